import type { OnModuleInit } from '@nestjs/common';
import { Controller, Get, Header, Headers, HttpCode, Post, Query } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Public } from '../auth/auth.guard.js';
import { escapeHtml } from './html.js';
import { MailRepository } from './mail.repository.js';
import type { MailTexts } from './mail-texts.js';
import { textsFor } from './mail-texts.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

/** RFC 8058 lets mail programs post either; what they post says nothing that the link does not. */
const ALSO_POSTED = 'multipart/form-data';

/**
 * The end of mails by a link. Opening it changes nothing, for mail scanners open every link; the button, or the one click
 * in a mail program (List-Unsubscribe-Post), does.
 */
@Controller('notifications/unsubscribe')
@Public()
export class UnsubscribeController implements OnModuleInit {
  constructor(
    private readonly links: UnsubscribeLinks,
    private readonly mails: MailRepository,
    private readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    if (!server.hasContentTypeParser(ALSO_POSTED))
      server.addContentTypeParser(ALSO_POSTED, (_request, body, done) => {
        body.resume().once('end', () => {
          done(null, null);
        });
      });
  }

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  @Header(
    'content-security-policy',
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
  )
  ask(
    @Query('token') token: unknown,
    @Headers('accept-language') languages: string | undefined,
  ): string {
    const texts = spokenTo(languages);
    return this.links.userOf(token) === null
      ? page(texts, `<p>${escapeHtml(texts.invalid)}</p>`)
      : page(
          texts,
          `<p>${escapeHtml(texts.confirm)}</p>
<form method="post"><button>${escapeHtml(texts.confirmButton)}</button></form>`,
        );
  }

  @Post()
  @HttpCode(200)
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-store')
  async unsubscribe(
    @Query('token') token: unknown,
    @Headers('accept-language') languages: string | undefined,
  ): Promise<string> {
    const texts = spokenTo(languages);
    const userId = this.links.userOf(token);
    const isDone = userId !== null && (await this.mails.unsubscribe(userId));
    return page(texts, `<p>${escapeHtml(isDone ? texts.done : texts.invalid)}</p>`);
  }
}

const spokenTo = (languages: string | undefined): MailTexts =>
  textsFor((languages ?? '').split(',').map((item) => item.split(';')[0]?.trim() ?? ''));

const page = ({ language, unsubscribe }: MailTexts, content: string): string =>
  `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(unsubscribe)}</title></head><body>${content}</body></html>
`;
