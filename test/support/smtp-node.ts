// A node of its own that makes notifications and sends mail, until it kills itself (kill -9) where the second argument says:
// `before claim`, `after claim` … of the calls that make up the work, each of which is one transaction or one conversation.
import { createApp } from '../../src/app.module.js';
import { loadConfig } from '../../src/config.js';
import { MailRepository } from '../../src/notifications/mail.repository.js';
import { NotifierRepository } from '../../src/notifications/notifier.repository.js';

type Step = (...values: never[]) => Promise<unknown>;

const [environment = '{}', place = ''] = process.argv.slice(2);
const [when, step] = place.split(' ');
const app = await createApp(loadConfig(JSON.parse(environment) as Record<string, string>));

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};

for (const owner of [
  app.get(NotifierRepository, { strict: false }),
  app.get(MailRepository, { strict: false }),
]) {
  const steps = owner as unknown as Record<string, Step | undefined>;
  const original = step === undefined ? undefined : steps[step]?.bind(owner);
  if (step !== undefined && original !== undefined)
    steps[step] = async (...values) => {
      if (when === 'before') return die();
      await original(...values);
      return die();
    };
}
await app.init();
console.log('working');
