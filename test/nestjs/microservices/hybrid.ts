import { Module, type INestApplication, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  ClusterModule,
  MembershipService,
  formatAddress,
  seeds,
  type ClusterRootOptions,
} from '../../../src/index.js';
import {
  ClusterClient,
  ClusterServer,
  type ClusterClientOptions,
  type ClusterServerOptions,
} from '../../../src/microservices.js';
import { LogLines } from '../fake-node.js';
import { NestLines } from '../start-app.js';

/** A hybrid application: HTTP is not used, the cluster is the transport. */
export interface Hybrid {
  readonly app: INestApplication;
  readonly membership: MembershipService;
  readonly server: ClusterServer;
  readonly log: LogLines;
  readonly nest: NestLines;
}

/** What a test says of a hybrid application. */
export interface HybridOptions {
  readonly root?: ModuleMetadata;
  readonly cluster?: ClusterRootOptions;
  readonly server?: ClusterServerOptions;
  /** Called before the handlers are attached: global pipes and the like. */
  readonly prepare?: (app: INestApplication) => void;
  readonly inheritAppConfig?: boolean;
}

/** Applications of one test, each a node on 127.0.0.1; the second and later ones join the first one's cluster. */
export class Hybrids {
  readonly #running: Hybrid[] = [];

  async start(controllers: readonly Type[] = [], options: HybridOptions = {}): Promise<Hybrid> {
    const [first] = this.#running;
    const log = new LogLines();
    const nest = new NestLines();
    const { root = {}, cluster = {} } = options;
    const discovery = first && seeds(formatAddress(first.membership.local.address));
    @Module({
      ...root,
      imports: [
        ClusterModule.forRoot({
          clusterName: 'hybrid',
          host: '127.0.0.1',
          port: 0,
          preset: 'local',
          logger: log,
          ...(discovery === undefined ? {} : { discovery, waitFor: { members: this.#running.length + 1 } }),
          ...cluster,
        }),
        ...(root.imports ?? []),
      ],
      controllers: [...controllers],
    })
    class Root {}
    const app = await NestFactory.create(Root, { logger: nest, abortOnError: false });
    const membership = app.get(MembershipService);
    const server = new ClusterServer(membership, options.server);
    options.prepare?.(app);
    app.connectMicroservice<MicroserviceOptions>(
      { strategy: server },
      { inheritAppConfig: options.inheritAppConfig ?? false },
    );
    const hybrid: Hybrid = { app, membership, server, log, nest };
    try {
      await app.startAllMicroservices();
      await app.init();
    } catch (error) {
      await app.close();
      throw error;
    }
    this.#running.push(hybrid);
    for (const { membership: other } of this.#running)
      await other.whenReady({ members: this.#running.length, timeoutMs: 10_000 });
    return hybrid;
  }

  async close(): Promise<void> {
    for (const { app } of this.#running.splice(0).reverse()) await app.close();
  }
}

/** A client that sends through an application's node to the others only. */
export function clientOf(
  { membership }: Pick<Hybrid, 'membership'>,
  options: Partial<ClusterClientOptions> = {},
): ClusterClient {
  const where = (member: { id: string }): boolean => member.id !== membership.local.id;
  return new ClusterClient({ membership, where, ...options });
}
