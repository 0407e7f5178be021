import type { FactoryProvider, ModuleMetadata, Type } from '@nestjs/common';
import type { ClusterOptions } from '../cluster/options.js';

/** Peers to wait for before the application counts as started. @publicApi */
export interface WaitForOptions {
  /** How many active members there must be, this one included. */
  readonly members: number;
  /** How long to wait, in milliseconds; then the start is stopped with `NotReadyError`. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** What a node is told, and what only the Nest module needs. @publicApi */
export interface ClusterModuleOptions extends ClusterOptions {
  /**
   * Holds the bootstrap until this many members are there. Default: unset, the bootstrap waits for nobody, since
   * a deploy that starts one process at a time would never finish.
   */
  readonly waitFor?: WaitForOptions | undefined;

  /**
   * Global guards (`APP_GUARD`, `useGlobalGuards`) run for cluster messages and for member handlers
   * (`@OnMemberJoined` …) too, where "the request" is what a peer sent, and a handler that a guard refuses does not
   * run. `'run'` says that each of them is written for it (it begins with `isClusterContext(context)`);
   * `'refuse'` stops the start if there are any. Default: they run, and a warning names them.
   */
  readonly globalGuards?: 'run' | 'refuse' | undefined;
}

/** Options of {@link ClusterModule.forRoot}. @publicApi */
export interface ClusterRootOptions extends ClusterModuleOptions {
  /** A name for this registration, for more than one cluster in an application. Default: unnamed. */
  readonly as?: string | undefined;
}

/** A class that makes options, for `useClass` and `useExisting`. @publicApi */
export interface ClusterOptionsFactory {
  /** Called once, when the module is made. */
  createClusterOptions(): ClusterModuleOptions | Promise<ClusterModuleOptions>;
}

/** Options of {@link ClusterModule.forRootAsync}; exactly one of the three `use…` is given. @publicApi */
export interface ClusterAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** A name for this registration, known before any factory runs. Default: unnamed. */
  readonly as?: string | undefined;
  /**
   * Makes the options; its parameters are what `inject` names. It must return an object, `{}` for the defaults: a
   * forgotten `return` stops the start.
   */
  readonly useFactory?:
    ((...injected: never[]) => ClusterModuleOptions | Promise<ClusterModuleOptions>) | undefined;
  /** Tokens of what `useFactory` gets. */
  readonly inject?: FactoryProvider['inject'];
  /** A class that the module instantiates to ask it for options. */
  readonly useClass?: Type<ClusterOptionsFactory> | undefined;
  /** A provider that exists already, asked for options. */
  readonly useExisting?: Type<ClusterOptionsFactory> | string | symbol | undefined;
}
