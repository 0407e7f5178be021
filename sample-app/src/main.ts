import 'reflect-metadata';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { formatAddress, MembershipService } from 'clusterpack';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';
import { EnvironmentError, readEnvironment, variableBehind, type Environment } from './environment.js';
import { Shutdown } from './shutdown.js';
import { StderrLogger } from './stderr-logger.js';

/** How long the process may take to end by itself after everything was closed. */
const LINGER_MS = 5000;

async function main(): Promise<void> {
  const { http, cluster } = readEnvironment(process.env);
  const app = await NestFactory.create(AppModule.withCluster(cluster), {
    logger: new StderrLogger({ logLevels: ['log', 'warn', 'error', 'fatal'] }),
    abortOnError: false,
  });
  app.enableShutdownHooks();
  await app.init();
  await listen(app, http);
  printReady(app);
  await app.get(Shutdown).requested;
  await app.close();
  endSoon();
}

/** The node is part of the cluster by now: if the HTTP port is taken, it has to leave again. */
async function listen(app: INestApplication, { host, port }: Environment['http']): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (cause) {
    await app.close();
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    const allowed = `nothing can listen on ${host}:${port} (${code}); another one, or 0 for any free one, is`;
    throw new EnvironmentError('HTTP_PORT', String(port), allowed, { cause });
  }
}

/** The only line on stdout: a program that started this one can wait for it. */
function printReady(app: INestApplication): void {
  const { id, address } = app.get(MembershipService).local;
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  process.stdout.write(
    `${JSON.stringify({ ready: true, http: port, cluster: formatAddress(address), id })}\n`,
  );
}

/** Everything is closed, so the process ends by itself. Should something be left open, that is a bug worth an error. */
function endSoon(): void {
  const timer = setTimeout(() => {
    process.stderr.write(
      `sample-app: still open after the end: ${process.getActiveResourcesInfo().join(', ')}\n`,
    );
    process.exit(1);
  }, LINGER_MS);
  timer.unref();
}

/** What is wrong, on one line. */
function complaint(error: unknown): string {
  const variable = variableBehind(error);
  const text =
    variable !== undefined || error instanceof EnvironmentError ? (error as Error).message : String(error);
  return `${variable === undefined ? '' : `${variable}: `}${text}`.replaceAll(/\s*\n\s*/g, ' ');
}

main().catch((error: unknown) => {
  process.stderr.write(`sample-app: ${complaint(error)}\n`);
  process.exitCode = 1;
  endSoon();
});
