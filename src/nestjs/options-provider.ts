import type { Provider } from '@nestjs/common';
import { show } from '../cluster/option-errors.js';
import { InvalidOptionError } from '../errors.js';
import type {
  ClusterAsyncOptions,
  ClusterModuleOptions,
  ClusterOptionsFactory,
} from './cluster-module-options.js';
import { checkNames, checkObject } from './split-options.js';
import { getClusterOptionsToken } from './tokens.js';

const names = Object.keys({
  useFactory: true,
  useClass: true,
  useExisting: true,
  inject: true,
  imports: true,
  as: true,
} satisfies Record<keyof ClusterAsyncOptions, true>);

/** What makes the options when the application starts. */
type OptionsMaker = (...injected: readonly unknown[]) => unknown;

/**
 * Checks how the options of a registration will be made, before anything is.
 *
 * @throws InvalidOptionError that names what is wrong
 */
export function checkAsyncOptions(options: ClusterAsyncOptions): void {
  checkObject('forRootAsync', options);
  checkNames('forRootAsync.', options, names);
  const { useFactory, useClass, useExisting, inject } = options;
  const ways = [useFactory, useClass, useExisting].filter((way) => way !== undefined);
  if (ways.length !== 1) {
    throw new InvalidOptionError('forRootAsync', 'needs exactly one of useFactory, useClass and useExisting');
  }
  checkFunction('useFactory', useFactory, 'a function');
  checkFunction('useClass', useClass, 'a class');
  if (inject === undefined || Array.isArray(inject)) return;
  throw new InvalidOptionError('forRootAsync.inject', `is ${show(inject)}, but must be an array`);
}

/** The provider of a registration's options. When it runs, what it makes is checked: nothing is no options. */
export function optionsProvider(options: ClusterAsyncOptions): Provider {
  const { as, useFactory, inject = [], useClass, useExisting } = options;
  const provide = getClusterOptionsToken(as);
  if (useFactory !== undefined) {
    // Nest passes what `inject` names; the parameters' types are the user's business.
    const make = useFactory as OptionsMaker;
    return {
      provide,
      useFactory: async (...injected: unknown[]) =>
        optionsFrom('useFactory', 'returned', await make(...injected)),
      inject,
    };
  }
  const way = useClass === undefined ? 'useExisting' : 'useClass';
  const token = (useClass ?? useExisting)!;
  return {
    provide,
    useFactory: async (factory: Partial<ClusterOptionsFactory> | null | undefined) => {
      const name = typeof token === 'function' ? token.name : String(token);
      if (typeof factory?.createClusterOptions !== 'function') {
        throw new InvalidOptionError(
          `forRootAsync.${way}`,
          `is ${name}, which has no createClusterOptions(): write that method, it returns the options`,
        );
      }
      const returned = `is ${name}, whose createClusterOptions() returned`;
      return optionsFrom(way, returned, await factory.createClusterOptions());
    },
    inject: [token],
  };
}

function checkFunction(name: 'useFactory' | 'useClass', given: unknown, what: string): void {
  if (given === undefined || typeof given === 'function') return;
  throw new InvalidOptionError(`forRootAsync.${name}`, `is ${show(given)}, but must be ${what}`);
}

/** @throws InvalidOptionError for anything but options: a forgotten `return` would start a node with all defaults */
function optionsFrom(way: string, returned: string, made: unknown): ClusterModuleOptions {
  if (typeof made === 'object' && made !== null && !Array.isArray(made)) return made;
  throw new InvalidOptionError(
    `forRootAsync.${way}`,
    `${returned} ${show(made)}, but must return the options ({} for the defaults)`,
  );
}
