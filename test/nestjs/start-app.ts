import 'reflect-metadata';
import type { LoggerService, ModuleMetadata, Type } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import type { ClusterRootOptions } from '../../src/nestjs/cluster-module-options.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { CLUSTER_NODE_FACTORY } from '../../src/nestjs/node-face.js';
import type { ClusterOptions } from '../../src/cluster/options.js';
import { FakeNode, LogLines } from './fake-node.js';

/** Nest's own log lines, so that a test sees what is said twice. */
export class NestLines implements LoggerService {
  readonly lines: { readonly level: string; readonly text: string; readonly context: string }[] = [];

  log(...given: unknown[]): void {
    this.#add('log', given);
  }
  warn(...given: unknown[]): void {
    this.#add('warn', given);
  }
  error(...given: unknown[]): void {
    this.#add('error', given);
  }
  debug(...given: unknown[]): void {
    this.#add('debug', given);
  }

  at(level: string, context?: string): string[] {
    return this.lines
      .filter((line) => line.level === level && (context === undefined || line.context === context))
      .map((line) => line.text);
  }

  #add(level: string, given: unknown[]): void {
    this.lines.push({ level, text: String(given[0]), context: String(given.at(-1)) });
  }
}

/** An application in a test, and the fake nodes under it, by registration order. */
export interface StartedApp {
  readonly app: TestingModule;
  readonly nodes: readonly FakeNode[];
  readonly node: FakeNode;
  readonly log: LogLines;
  readonly nest: NestLines;
}

/** Puts fake nodes under every cluster registration. */
export function withFakeNodes(
  builder: TestingModuleBuilder,
  nodes: FakeNode[],
  calls?: string[],
): TestingModuleBuilder {
  return builder.overrideProvider(CLUSTER_NODE_FACTORY).useValue((options: ClusterOptions) => {
    const node = new FakeNode(options, calls);
    nodes.push(node);
    return node;
  });
}

/** Compiles and initialises an application whose root module is as given, with a cluster in it. */
export async function startApp(root: ModuleMetadata, options: ClusterRootOptions = {}): Promise<StartedApp> {
  const log = new LogLines();
  const imports = [ClusterModule.forRoot({ logger: log, ...options }), ...(root.imports ?? [])];
  return { ...(await startModule({ ...root, imports })), log };
}

/** The same for a root module that brings its own registrations. */
export async function startModule(root: ModuleMetadata): Promise<Omit<StartedApp, 'log'>> {
  const nodes: FakeNode[] = [];
  const nest = new NestLines();
  const app = await withFakeNodes(Test.createTestingModule(root).setLogger(nest), nodes).compile();
  await app.init();
  return { app, nodes, node: nodes[0]!, nest };
}

/** Starts an application with these providers, puts something in, and closes it again. */
export async function withProviders(
  providers: Type[],
  test: (started: StartedApp) => Promise<void>,
): Promise<void> {
  const started = await startApp({ providers });
  await test(started);
  await started.app.close();
}
