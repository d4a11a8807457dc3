import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from './config.js';
import { StartError } from './errors.js';

/**
 * Not by app.listen(), which prints the error that it throws.
 * @throws StartError that names the variable
 */
export async function listen(app: NestFastifyApplication, { PORT, HOST }: Config): Promise<void> {
  await app.init();
  try {
    await app.getHttpAdapter().getInstance().listen({ port: PORT, host: HOST });
  } catch (error) {
    throw new StartError(
      `The server cannot listen on PORT ${PORT} of HOST ${HOST}: ${describe(error as NodeJS.ErrnoException)}.`,
      { cause: error },
    );
  }
}

function describe({ code = '', message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program has that port (EADDRINUSE)';
    case 'EACCES':
      return 'this account may not use that port (EACCES)';
    case 'EADDRNOTAVAIL':
      return 'that is no address of this machine (EADDRNOTAVAIL)';
    default:
      return message;
  }
}
