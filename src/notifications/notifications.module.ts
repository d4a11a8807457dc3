import { Module } from '@nestjs/common';
import { MessagesModule } from '../messages/messages.module.js';
import { ThreadsModule } from '../threads/threads.module.js';
import { UsersModule } from '../users/users.module.js';
import { JobQueue } from './job-queue.repository.js';
import { MailRepository } from './mail.repository.js';
import { MailWorker } from './mail.worker.js';
import { MailWriter } from './mail-writer.js';
import { NotificationFieldsResolver } from './notification-fields.resolver.js';
import { NotificationsRepository } from './notifications.repository.js';
import {
  NotificationAddedResolver,
  NotificationsResolver,
  ViewerNotificationsResolver,
} from './notifications.resolver.js';
import { NotificationsService } from './notifications.service.js';
import { NotifierRepository } from './notifier.repository.js';
import { NotifierService } from './notifier.service.js';
import { NotifierWorker } from './notifier.worker.js';
import { PreferencesRepository } from './preferences.repository.js';
import { PreferencesResolver } from './preferences.resolver.js';
import { PreferencesService } from './preferences.service.js';
import { TraceResolver } from './trace.resolver.js';
import { TraceService } from './trace.service.js';
import { UnsubscribeController } from './unsubscribe.controller.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

/** Who is told of what, in the app and by mail: a reader of the journals, which nothing else knows. */
@Module({
  imports: [UsersModule, ThreadsModule, MessagesModule],
  controllers: [UnsubscribeController],
  providers: [
    NotifierRepository,
    NotifierService,
    NotifierWorker,
    NotificationsRepository,
    NotificationsService,
    NotificationsResolver,
    NotificationAddedResolver,
    NotificationFieldsResolver,
    ViewerNotificationsResolver,
    PreferencesRepository,
    PreferencesService,
    PreferencesResolver,
    TraceService,
    TraceResolver,
    JobQueue,
    MailRepository,
    MailWriter,
    MailWorker,
    UnsubscribeLinks,
  ],
})
export class NotificationsModule {}
