import { jest } from '@jest/globals';
import { NestApplication, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { ClusterModule, getClusterOptionsToken, type ClusterRootOptions } from '../../src/index.js';
import { resolveOptions } from '../../src/cluster/validate-options.js';
import { splitOptions } from '../../src/nestjs/split-options.js';
import { isolated } from '../../src/testing.js';
import { fileOf } from './block-files.js';
import type { Block } from './blocks.js';

interface Closable {
  close(): Promise<void>;
}

type Class = abstract new (...given: never[]) => unknown;

/**
 * Does with a block what a reader would: runs it as a module, and starts what it declares.
 *
 * - An application that it creates listens on a free port of loopback. It is closed when the block has run.
 * - Its root modules are started alone, without a socket; the options that they really have are checked.
 * - Providers and controllers that are in none of its modules are started in a module of their own.
 *
 * @throws whatever its code throws, or Nest when it cannot start that
 */
export async function runBlock(block: Block): Promise<void> {
  const file = fileOf(block);
  const registered = [
    jest.spyOn(ClusterModule, 'forRoot'),
    jest.spyOn(ClusterModule, 'forRootAsync'),
  ] as const;
  const watched = watchWhatIsStarted();
  try {
    const declared = Object.values((await import(file)) as object).filter(isClass);
    const [sync, async] = registered.map(({ mock }) => mock.calls.map(([options = {}]) => options));
    for (const options of sync!) checkOptions(options);
    const names = [...sync!, ...async!].map(({ as }) => as);
    for (const module of rootsOf(declared)) await start([module], [], names);
    const loose = looseOf(declared);
    if (loose.length > 0) await start([ClusterModule.forRoot()], loose, [undefined]);
  } finally {
    for (const spy of registered) spy.mockRestore();
    await watched.close();
  }
}

/** Keeps a block's applications on loopback and the process alive, and remembers what there is to close. */
function watchWhatIsStarted(): { close(): Promise<void> } {
  const created = [
    jest.spyOn(NestFactory, 'create'),
    jest.spyOn(NestFactory, 'createApplicationContext'),
    jest.spyOn(NestFactory, 'createMicroservice'),
  ];
  const listen = NestApplication.prototype.listen as (port: number, host: string) => Promise<unknown>;
  const listening = jest.spyOn(NestApplication.prototype, 'listen');
  listening.mockImplementation(function (this: NestApplication) {
    return listen.call(this, 0, '127.0.0.1');
  });
  // Nest ends the process of an application that cannot start.
  const exit = jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new RangeError(`The block ends its process with ${code}`);
  });
  return {
    async close() {
      const applications = created.flatMap(({ mock }) =>
        mock.results.map(({ value }) => value as Promise<Closable>),
      );
      for (const spy of [...created, listening]) spy.mockRestore();
      const started = await Promise.allSettled(applications);
      for (const each of started) if (each.status === 'fulfilled') await each.value.close();
      exit.mockRestore();
    },
  };
}

/** @throws InvalidOptionError for what would stop the start of the application outside of a test */
function checkOptions(options: ClusterRootOptions): void {
  const { as: _as, ...rest } = options;
  resolveOptions(splitOptions(rest).node);
}

/** Starts an application of modules, providers and controllers, and closes it. */
async function start(
  imports: readonly (Class | ReturnType<typeof ClusterModule.forRoot>)[],
  loose: readonly Class[],
  names: readonly (string | undefined)[],
): Promise<void> {
  const isController = (each: Class) => Reflect.hasMetadata('__controller__', each);
  const builder = Test.createTestingModule({
    imports: [...imports] as never[],
    controllers: loose.filter(isController) as never[],
    providers: loose.filter((each) => !isController(each)) as never[],
  });
  for (const as of new Set(names)) builder.overrideProvider(getClusterOptionsToken(as)).useValue(isolated());
  const application = (await builder.compile()).createNestApplication();
  await application.init();
  await application.close();
}

/** Modules that no other one imports. */
function rootsOf(classes: readonly Class[]): readonly Class[] {
  const modules = classes.filter((each) => Reflect.hasMetadata('imports', each) || isEmptyModule(each));
  const imported = new Set(modules.flatMap((each) => partsOf(each, 'imports')));
  return modules.filter((each) => !imported.has(each));
}

/** Providers and controllers that are in no module of the block. */
function looseOf(classes: readonly Class[]): readonly Class[] {
  const placed = new Set(
    classes.flatMap((each) => [...partsOf(each, 'providers'), ...partsOf(each, 'controllers')]),
  );
  const isProvider = (each: Class) =>
    ['__injectable__', '__controller__'].some((key) => Reflect.hasMetadata(key, each));
  return classes.filter((each) => isProvider(each) && !placed.has(each));
}

function isEmptyModule(each: Class): boolean {
  return ['providers', 'controllers', 'exports'].some((key) => Reflect.hasMetadata(key, each));
}

function partsOf(module: Class, key: string): readonly unknown[] {
  return (Reflect.getMetadata(key, module) as readonly unknown[] | undefined) ?? [];
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
