import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import DataLoader from 'dataloader';

/**
 * The loaders of one operation, or of one page of live events: they batch and remember, and are thrown away with it, so
 * that a long subscription never sees what was true when it began.
 */
export class Loaders {
  readonly #loaders = new Map<string, DataLoader<never, unknown>>();

  /** Forgets everything: what was loaded before a write may be true no longer. */
  clear(): void {
    this.#loaders.clear();
  }

  /**
   * @param name what is loaded; one loader per name
   * @param batch gives the found values by key, which may be an object; what is missing there is loaded as null
   */
  get<Value, Key = string>(
    name: string,
    batch: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
  ): DataLoader<Key, Value | null> {
    let loader = this.#loaders.get(name) as DataLoader<Key, Value | null> | undefined;
    if (loader === undefined) {
      loader = new DataLoader<Key, Value | null>(async (keys) => {
        const found = await batch(keys);
        return keys.map((key) => found.get(key) ?? null);
      });
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
