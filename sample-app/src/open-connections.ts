import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';

const INTERVAL_MS = 50;
/** How long requests may go on once the application shuts down; then they are cut off. */
const GRACE_MS = 3000;

/**
 * Lets the HTTP server end as soon as its requests have, and soon in any case. Node closes connections that are idle
 * when the server is told to close, but waits some seconds for those that become idle after that, and minutes for a
 * request that is only half sent.
 */
@Injectable()
export class OpenConnections implements BeforeApplicationShutdown {
  constructor(private readonly host: HttpAdapterHost) {}

  beforeApplicationShutdown(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const graceEndsMs = performance.now() + GRACE_MS;
    const timer = setInterval(() => {
      if (performance.now() < graceEndsMs) server.closeIdleConnections();
      else server.closeAllConnections();
    }, INTERVAL_MS);
    server.once('close', () => clearInterval(timer));
    timer.unref();
  }
}
