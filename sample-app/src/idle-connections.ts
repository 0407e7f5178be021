import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';

const INTERVAL_MS = 50;

/**
 * Lets the HTTP server end as soon as its requests have: Node closes connections that are idle when the server is
 * told to close, but waits some seconds for those that become idle after that.
 */
@Injectable()
export class IdleConnections implements BeforeApplicationShutdown {
  constructor(private readonly host: HttpAdapterHost) {}

  beforeApplicationShutdown(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const timer = setInterval(() => server.closeIdleConnections(), INTERVAL_MS);
    server.once('close', () => clearInterval(timer));
    timer.unref();
  }
}
