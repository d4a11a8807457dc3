// Preloaded into a server whose memory is measured (with --expose-gc): collects garbage and tells what is left when asked.
import { setTimeout as sleep } from 'node:timers/promises';

process.on('message', async () => {
  for (let times = 0; times < 3; times++) {
    globalThis.gc();
    // Finalizers run between collections.
    await sleep(100);
  }
  process.send(process.memoryUsage());
});
// Listening must not keep the server from ending by itself.
process.channel.unref();
