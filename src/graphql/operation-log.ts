import { Logger } from '@nestjs/common';
import type { GraphqlContext } from './context.js';

const logger = new Logger('Operation');

/** One debug line per operation, the same from both transports. It names no variables: they hold what people write. */
export function logOperation(
  transport: 'http' | 'ws',
  context: GraphqlContext,
  operation: { type: string | undefined; name: string | null | undefined },
  startedAt: number,
  errors: readonly { extensions?: { code?: unknown } }[] | undefined,
): void {
  if (!Logger.isLevelEnabled('debug')) return;
  logger.debug({
    transport,
    correlationId: context.correlationId,
    viewer: context.viewer?.userId ?? null,
    type: operation.type ?? null,
    name: operation.name ?? null,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    codes: errors?.map((error) => error.extensions?.code) ?? [],
  });
}
