import { domainToASCII } from 'node:url';
import { Injectable } from '@nestjs/common';
import { addressOfThread } from '../config-addresses.js';
import { Config } from '../config.js';
import { escapeHtml } from './html.js';
import type { MailTexts } from './mail-texts.js';
import { textsFor } from './mail-texts.js';
import type { MailContent, MailMessage } from './mail.repository.js';
import type { WrittenMail } from './smtp-delivery.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

/** Messages in one mail; of more only the newest are shown. */
const SHOWN = 20;
/** Characters (code points) of a message in a mail. */
const SHOWN_CHARACTERS = 1_000;

interface ShownMessage {
  readonly name: string;
  readonly time: string;
  readonly body: string;
}

/** Turns what is unread into a mail, as text and as HTML, in the language of its reader. */
@Injectable()
export class MailWriter {
  constructor(
    private readonly config: Config,
    private readonly links: UnsubscribeLinks,
  ) {}

  /** The same mail has the same Message-ID however often it is tried, so that a server may recognise it. */
  write(mailId: string, content: MailContent): WrittenMail {
    const texts = textsFor([content.locale ?? 'en']);
    const { MAIL_FROM = '', THREAD_URL } = this.config;
    const from = toAddress(MAIL_FROM);
    // In ASCII, as all of a header: nodemailer sees to the addresses, but not to ids.
    const domain = domainToASCII(from.address.split('@')[1] ?? '') || 'localhost';
    const unsubscribe = this.links.linkFor(content.userId);
    const parts = {
      texts,
      title: titleOf(texts, content.messages),
      count: content.messages.length,
      shown: content.messages.slice(-SHOWN).map((message) => show(texts, message, content)),
      thread: THREAD_URL === undefined ? null : addressOfThread(THREAD_URL, content.threadId),
      unsubscribe,
    };
    return {
      messageId: `<${mailId}@${domain}>`,
      from,
      to: content.email,
      subject: parts.title,
      references: `<thread.${content.threadId}@${domain}>`,
      text: textOf(parts),
      html: htmlOf(parts),
      headers: {
        'List-Unsubscribe': `<${unsubscribe}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'Auto-Submitted': 'auto-generated',
        'X-Auto-Response-Suppress': 'All',
      },
    };
  }
}

/** Taken apart here: as one text a colon in the name would make it the name of a group. */
function toAddress(text: string): { name: string; address: string } {
  const [, name = '', address = text] = /^\s*"?(.*?)"?\s*<([^>]*)>$/.exec(text) ?? [];
  return { name, address };
}

interface Parts {
  readonly texts: MailTexts;
  readonly title: string;
  readonly count: number;
  readonly shown: readonly ShownMessage[];
  readonly thread: string | null;
  readonly unsubscribe: string;
}

function titleOf(texts: MailTexts, messages: readonly MailMessage[]): string {
  const spoken = messages.filter(({ messageType }) => messageType !== 'SYSTEM');
  if (spoken.length === 0) return texts.news(messages.length);
  const names = [...new Set(spoken.map((message) => nameOf(texts, message)))];
  const list = new Intl.ListFormat(texts.language, { type: 'conjunction' });
  const title = texts.newMessages(spoken.length, list.format(names));
  return oneLine(spoken.length < messages.length ? texts.withNews(title) : title);
}

const nameOf = (texts: MailTexts, { messageType, senderName, senderRole }: MailMessage): string =>
  messageType === 'SYSTEM' ? texts.platform : (senderName ?? texts.somebody[senderRole ?? 'GONE']);

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

function show(texts: MailTexts, message: MailMessage, { timeZone }: MailContent): ShownMessage {
  return {
    name: oneLine(nameOf(texts, message)),
    time: timeOf(texts, new Date(message.sentAt), timeZone ?? 'UTC'),
    body: shorten(bodyOf(texts, message)),
  };
}

function bodyOf(texts: MailTexts, { messageType, body, locationLabel }: MailMessage): string {
  if (messageType === 'IMAGE') return texts.image;
  if (messageType === 'FILE') return texts.file;
  if (messageType !== 'LOCATION') return body;
  const place = texts.location(locationLabel);
  return body === '' ? place : `${place} ${body}`;
}

function shorten(text: string): string {
  const characters = [...text];
  return characters.length <= SHOWN_CHARACTERS
    ? text
    : `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`;
}

const timeOf = ({ language }: MailTexts, at: Date, timeZone: string): string =>
  new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone,
  }).format(at) + (timeZone === 'UTC' ? ' UTC' : '');

function textOf({ texts, count, shown, thread, unsubscribe }: Parts): string {
  return [
    texts.intro(count),
    '',
    ...(count > shown.length ? [texts.earlier(count - shown.length), ''] : []),
    ...shown.flatMap(({ name, time, body }) => [`${name}, ${time}`, body, '']),
    ...(thread === null ? [] : [`${texts.open}: ${thread}`, '']),
    '-- ',
    texts.footer,
    `${texts.unsubscribe}: ${unsubscribe}`,
    '',
  ].join('\n');
}

function htmlOf({ texts, title, count, shown, thread, unsubscribe }: Parts): string {
  const link = (href: string, label: string): string =>
    `<a href="${escapeHtml(href)}">${escapeHtml(label)}</a>`;
  const message = ({ name, time, body }: ShownMessage): string =>
    `<p style="margin:0 0 16px"><b dir="auto">${escapeHtml(name)}</b> <small>${escapeHtml(time)}</small><br>
<span dir="auto">${escapeHtml(body).replace(/\r\n|\r|\n/g, '<br>\n')}</span></p>`;
  return `<!doctype html>
<html lang="${texts.language}"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="font-family:sans-serif;max-width:40em">
<p>${escapeHtml(texts.intro(count))}</p>
${count > shown.length ? `<p>${escapeHtml(texts.earlier(count - shown.length))}</p>` : ''}
${shown.map(message).join('\n')}
${thread === null ? '' : `<p>${link(thread, texts.open)}</p>`}
<hr><p><small>${escapeHtml(texts.footer)}<br>${link(unsubscribe, texts.unsubscribe)}</small></p>
</body></html>
`;
}
