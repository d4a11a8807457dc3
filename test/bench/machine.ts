import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Machine } from './report/results.js';

export const describeMachine = (postgresql: string): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  processors: availableParallelism(),
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  node: process.version,
  postgresql,
});
