import { gunzipSync } from 'node:zlib';
import { Controller, Get, Headers, NotFoundException, Param, Res } from '@nestjs/common';
import { Public } from '../auth/auth.guard.js';
import { GRAPHQL_PATH } from './endpoint.js';
import { exampleTabs } from './playground-examples.js';
import { playgroundAsset, playgroundPage, playgroundPolicy } from './playground.js';

/** Filled by main: the token and the thread of the demo are known only once they exist. */
export class PlaygroundOptions {
  enabled = false;
  /** Goes to whoever opens the page, so only ever a demo person's. */
  token?: string;
  threadId?: string;
}

/** What is used of Fastify's reply. */
interface Reply {
  headers(values: Record<string, string>): this;
  status(code: number): this;
  send(body?: string | Buffer): this;
}

@Controller('playground')
@Public()
export class PlaygroundController {
  constructor(private readonly options: PlaygroundOptions) {}

  @Get()
  page(@Headers('host') host: string | undefined, @Res() reply: Reply): void {
    this.requireEnabled();
    const { token, threadId } = this.options;
    reply
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': playgroundPolicy(host),
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      .send(
        playgroundPage({
          title: 'parley playground',
          endpoint: GRAPHQL_PATH,
          subscriptionEndpoint: GRAPHQL_PATH,
          tabs: exampleTabs(token, threadId),
        }),
      );
  }

  @Get(':file')
  async asset(
    @Param('file') file: string,
    @Headers('accept-encoding') encodings: string | undefined,
    @Headers('if-none-match') known: string | undefined,
    @Res() reply: Reply,
  ): Promise<void> {
    this.requireEnabled();
    const asset = await playgroundAsset(file);
    if (asset === undefined) throw new NotFoundException();
    reply.headers({
      'content-type': asset.type,
      'cache-control': 'no-cache',
      etag: asset.etag,
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
    });
    if (known === asset.etag) reply.status(304).send();
    else if (encodings?.includes('gzip') === true)
      reply.headers({ 'content-encoding': 'gzip' }).send(asset.gzipped);
    else reply.send(gunzipSync(asset.gzipped));
  }

  private requireEnabled(): void {
    if (!this.options.enabled) throw new NotFoundException();
  }
}
