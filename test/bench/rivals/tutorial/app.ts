// What a tutorial of NestJS, Apollo and Prisma gives: Express, Apollo as it comes, an interactive transaction to send,
// `include` for relations, one PubSub topic with a filter.
import 'reflect-metadata';
import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  Module,
  NotFoundException,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import {
  Args,
  GqlExecutionContext,
  GraphQLModule,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { PubSub } from 'graphql-subscriptions';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/prisma/client.js';
import { Message, SendMessageInput, Thread } from './models.js';

const PUB_SUB = 'PUB_SUB';
@Injectable()
export class PrismaService extends PrismaClient {
  constructor() {
    // As many connections as parley has unless told: with pg's ten, some of the load's sixteen would wait for one.
    super({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 20 }) });
  }
}
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(c: ExecutionContext) {
    const ctx = GqlExecutionContext.create(c).getContext();
    const id = ctx.req?.headers?.['x-user-id'] ?? ctx.req?.extra?.userId;
    if (!id) throw new UnauthorizedException();
    ctx.userId = id;
    return true;
  }
}
const CurrentUser = createParamDecorator(
  (_: unknown, c: ExecutionContext) => GqlExecutionContext.create(c).getContext().userId,
);

@Injectable()
export class MessagesService {
  constructor(private readonly prisma: PrismaService) {}
  async thread(id: string, userId: string) {
    const t = await this.prisma.thread.findUnique({ where: { id } });
    if (!t) throw new NotFoundException('Thread not found');
    if (t.touristId !== userId && t.guideId !== userId) throw new ForbiddenException();
    return t;
  }
  async list(threadId: string, userId: string, last: number, before?: number) {
    await this.thread(threadId, userId);
    return this.prisma.message.findMany({
      where: { threadId, ...(before ? { seq: { lt: before } } : {}) },
      orderBy: { seq: 'desc' },
      take: last,
      include: { sender: true },
    });
  }
  send(input: SendMessageInput, userId: string) {
    return this.prisma.$transaction(
      async (tx) => {
        const t = await tx.thread.findUnique({ where: { id: input.threadId } });
        if (!t) throw new NotFoundException('Thread not found');
        if (t.touristId !== userId && t.guideId !== userId) throw new ForbiddenException();
        if (t.status !== 'ACTIVE') throw new ForbiddenException('Thread is not active');
        const { lastSeq } = await tx.thread.update({
          where: { id: t.id },
          data: { lastSeq: { increment: 1 }, lastMessageAt: new Date() },
        });
        const message = await tx.message.create({
          data: {
            threadId: t.id,
            seq: lastSeq,
            senderUserId: userId,
            body: input.body,
            messageType: input.messageType ?? 'TEXT',
          },
          include: { sender: true },
        });
        await tx.notification.create({
          data: {
            userId: t.touristId === userId ? t.guideId : t.touristId,
            threadId: t.id,
            messageId: message.id,
          },
        });
        return message;
      },
      { maxWait: 20000, timeout: 20000 },
    );
  }
}
@Injectable()
export class ThreadsService {
  constructor(private readonly prisma: PrismaService) {}
  async inbox(userId: string, first: number) {
    const list = await this.prisma.thread.findMany({
      where: { OR: [{ touristId: userId }, { guideId: userId }] },
      orderBy: [{ lastMessageAt: 'desc' }, { id: 'desc' }],
      take: first,
      include: {
        tourist: true,
        guide: true,
        messages: { orderBy: { seq: 'desc' }, take: 1 },
        _count: {
          select: { messages: { where: { readAt: null, senderUserId: { not: userId } } } },
        },
      },
    });
    return list.map((t) => ({
      id: t.id,
      status: t.status,
      lastMessageAt: t.lastMessageAt,
      unreadCount: t._count.messages,
      otherParticipant: t.touristId === userId ? t.guide : t.tourist,
      lastMessage: t.messages[0] ?? null,
    }));
  }
}
@UseGuards(AuthGuard)
@Resolver(() => Message)
export class MessagesResolver {
  constructor(
    private readonly messages: MessagesService,
    private readonly pubSub: PubSub,
  ) {}
  @Query(() => [Message], { name: 'messages' })
  list(
    @Args('threadId', { type: () => ID }) threadId: string,
    @Args('last', { type: () => Int, nullable: true, defaultValue: 50 }) last: number,
    @Args('before', { type: () => Int, nullable: true }) before: number | undefined,
    @CurrentUser() u: string,
  ) {
    return this.messages.list(threadId, u, last, before);
  }
  @Mutation(() => Message)
  async sendMessage(@Args('input') input: SendMessageInput, @CurrentUser() u: string) {
    const message = await this.messages.send(input, u);
    this.pubSub.publish('messageAdded', { messageAdded: message });
    return message;
  }
  @Subscription(() => Message, {
    filter: (payload: any, variables: any) => payload.messageAdded.threadId === variables.threadId,
  })
  async messageAdded(
    @Args('threadId', { type: () => ID }) threadId: string,
    @CurrentUser() u: string,
  ) {
    await this.messages.thread(threadId, u);
    return this.pubSub.asyncIterableIterator('messageAdded');
  }
}
@UseGuards(AuthGuard)
@Resolver(() => Thread)
export class ThreadsResolver {
  constructor(private readonly threads: ThreadsService) {}
  @Query(() => [Thread])
  inbox(
    @Args('first', { type: () => Int, nullable: true, defaultValue: 50 }) first: number,
    @CurrentUser() u: string,
  ) {
    return this.threads.inbox(u, first);
  }
}
@Module({
  providers: [
    PrismaService,
    {
      provide: PubSub,
      useFactory: () => {
        const p = new PubSub();
        (p as any).ee?.setMaxListeners?.(0);
        return p;
      },
    },
  ],
  exports: [PrismaService, PubSub],
})
export class CoreModule {}
@Module({ imports: [CoreModule], providers: [MessagesService, MessagesResolver] })
export class MessagesModule {}
@Module({ imports: [CoreModule], providers: [ThreadsService, ThreadsResolver] })
export class ThreadsModule {}
@Module({
  imports: [
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      subscriptions: {
        'graphql-ws': {
          onConnect: (c: any) => {
            c.extra.userId = c.connectionParams?.userId;
            return true;
          },
        },
      },
    } as any),
    MessagesModule,
    ThreadsModule,
  ],
})
export class AppModule {}
