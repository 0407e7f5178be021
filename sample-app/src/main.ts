import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { formatAddress, MembershipService } from 'clusterpack';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';
import { EnvironmentError } from './environment-error.js';
import { complaintAboutVariable, partAtFault, readEnvironment, type Environment } from './environment.js';
import { readJsonBodies } from './json-bodies.js';
import { Shutdown } from './shutdown.js';
import { StderrLogger } from './stderr-logger.js';

/** How long the process may take to end by itself after everything was closed. */
const LINGER_MS = 5000;

async function main(): Promise<void> {
  const { http, cluster, debug } = readEnvironment(process.env);
  const app = await NestFactory.create<NestExpressApplication>(AppModule.withCluster(cluster, debug), {
    logger: new StderrLogger({ logLevels: ['log', 'warn', 'error', 'fatal'] }),
    abortOnError: false,
    bodyParser: false,
  });
  readJsonBodies(app);
  app.enableShutdownHooks();
  await app.init();
  await listen(app, http);
  printReady(app);
  await app.get(Shutdown).requested;
  await app.close();
  endSoon();
}

/** The node is part of the cluster by now: if HTTP cannot listen, it has to leave again. */
async function listen(app: NestExpressApplication, { host, port }: Environment['http']): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (cause) {
    await app.close();
    const part = partAtFault(cause);
    if (part === undefined) throw cause;
    const where = `nothing can listen on ${formatAddress({ host, port })} (${(cause as NodeJS.ErrnoException).code})`;
    throw part === 'host'
      ? new EnvironmentError('HTTP_HOST', host, `${where}; an address of this machine is`, { cause })
      : new EnvironmentError('HTTP_PORT', String(port), `${where}; another one, or 0 for any free one, is`, {
          cause,
        });
  }
}

/** The only line on stdout: a program that started this one can wait for it. */
function printReady(app: NestExpressApplication): void {
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
  const text =
    error instanceof EnvironmentError ? error.message : (complaintAboutVariable(error) ?? String(error));
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

main().catch((error: unknown) => {
  process.stderr.write(`sample-app: ${complaint(error)}\n`);
  process.exitCode = 1;
  endSoon();
});
