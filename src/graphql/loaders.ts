import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import DataLoader from 'dataloader';

/**
 * The loaders of one operation, or of one page of live events: they batch and remember, and are thrown away with it, so
 * that a long subscription never sees what was true when it began.
 */
export class Loaders {
  readonly #loaders = new Map<string, DataLoader<never, unknown, unknown>>();

  /** Forgets everything: what was loaded before a write may be true no longer. */
  clear(): void {
    this.#loaders.clear();
  }

  /**
   * @param name what is loaded; one loader per name
   * @param batch gives the found values by key; what is missing there is loaded as null
   * @param identify what tells keys apart, where they are objects
   */
  get<Value>(
    name: string,
    batch: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  ): DataLoader<string, Value | null, unknown>;
  get<Key extends object, Value>(
    name: string,
    batch: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
    identify: (key: Key) => unknown,
  ): DataLoader<Key, Value | null, unknown>;
  get<Key, Value>(
    name: string,
    batch: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
    identify: (key: Key) => unknown = (key) => key,
  ): DataLoader<Key, Value | null, unknown> {
    let loader = this.#loaders.get(name) as DataLoader<Key, Value | null, unknown> | undefined;
    if (loader === undefined) {
      loader = new DataLoader<Key, Value | null, unknown>(
        async (keys) => {
          const found = await batch(keys);
          return keys.map((key) => found.get(key) ?? null);
        },
        { cacheKeyFn: identify },
      );
      this.#loaders.set(name, loader);
    }
    return loader;
  }
}

/** The loaders of the running operation, in a field resolver. */
export const CurrentLoaders = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    GqlExecutionContext.create(context).getContext<{ loaders: Loaders }>().loaders,
);
