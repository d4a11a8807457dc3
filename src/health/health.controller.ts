import { Controller, Get, Header, ServiceUnavailableException } from '@nestjs/common';
import { Public } from '../auth/auth.guard.js';
import { Database } from '../database/database.js';
import { Replica } from '../database/replica.js';
import { SocketServer } from '../graphql/socket-server.js';
import { Hub } from '../inbox/hub.js';

@Controller()
@Public()
export class HealthController {
  constructor(
    private readonly database: Database,
    private readonly replica: Replica,
    private readonly sockets: SocketServer,
    private readonly hub: Hub,
  ) {}

  /** The process runs: it needs no restart. */
  @Get('health/live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The node can serve: 503 while it drains or has no database. */
  @Get('health/ready')
  async ready(): Promise<{ status: 'ok' }> {
    if (this.sockets.isDraining) throw new ServiceUnavailableException('This node is stopping.');
    try {
      await this.database.rows('health', 'SELECT 1', []);
    } catch {
      throw new ServiceUnavailableException('The database cannot be reached.');
    }
    return { status: 'ok' };
  }

  /** Prometheus text format, version 0.0.4. */
  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): string {
    const { pool } = this.database;
    const memory = process.memoryUsage();
    return [
      ['parley_sockets', 'Open WebSocket connections.', this.sockets.size],
      ['parley_live_people', 'People with a live subscription on this node.', this.hub.size],
      ['parley_database_connections', 'Connections of the pool.', pool.totalCount],
      [
        'parley_database_idle_connections',
        'Connections of the pool that wait for work.',
        pool.idleCount,
      ],
      ['parley_database_waiting', 'Operations that wait for a connection.', pool.waitingCount],
      [
        'parley_replica_in_use',
        'Whether histories and lists may be read from the replica.',
        Number(this.replica.isUsable),
      ],
      ['process_resident_memory_bytes', 'Resident memory.', memory.rss],
      ['nodejs_heap_size_used_bytes', 'Used heap.', memory.heapUsed],
    ]
      .map(
        ([name, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`,
      )
      .join('');
  }
}
