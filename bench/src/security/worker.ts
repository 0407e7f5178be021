import {
  formatAddress,
  generateSecret,
  seeds,
  startNode,
  ClusterNode,
  type Address,
  type ClusterOptions,
  type SecurityOptions,
} from 'clusterpack/core';
import { closedLoop } from '../messages/closed-loop.js';
import { payloadOf, type Load, type Yield } from '../messages/contender.js';
import { answer } from '../workers.js';
import { certificates } from './certificates.js';
import type { Scheme } from './suite.js';

interface Where {
  readonly seed: Address;
  readonly id: string;
  /** By the name of the node. */
  readonly security: Readonly<Record<string, SecurityOptions>>;
}

const JOINED_MS = 30_000;
const SERVER = 'server';
const CLIENT = 'client';
/** Joins again and again, to see what a fresh connection costs. */
const NEWCOMER = 'newcomer';
const NAMES = [SERVER, CLIENT, NEWCOMER];

const scheme = process.argv[2] as Scheme;
let node: ClusterNode;
let where: Where;

answer({
  async serve(): Promise<Where> {
    const security = await securityOfAll();
    node = await startNode(optionsOf(SERVER, security));
    node.onMessage(undefined, ignore);
    return { seed: node.local.address, id: node.local.id, security };
  },

  async connect(server: Where): Promise<void> {
    where = server;
    node = await startNode(optionsOf(CLIENT, where.security, where.seed));
    await node.whenReady({ members: 2, timeoutMs: JOINED_MS });
  },

  load(load: Load): Promise<Yield> {
    const payload = payloadOf(load.bytes);
    return closedLoop(load, () => node.send(where.id, payload));
  },

  /** Milliseconds from the dial of a node that already listens until it knows the server. */
  async join(): Promise<number> {
    const newcomer = new ClusterNode(optionsOf(NEWCOMER, where.security, where.seed));
    await newcomer.bind();
    const began = performance.now();
    await newcomer.join();
    await newcomer.whenReady({ members: 2, timeoutMs: JOINED_MS });
    const tookMs = performance.now() - began;
    await newcomer.close();
    return tookMs;
  },
});

async function securityOfAll(): Promise<Record<string, SecurityOptions>> {
  if (scheme === 'mTLS') {
    const issued = await certificates(...NAMES);
    return Object.fromEntries(NAMES.map((name) => [name, { tls: issued[name]! }]));
  }
  const same: SecurityOptions = scheme === 'secret' ? { secrets: [generateSecret()] } : 'none';
  return Object.fromEntries(NAMES.map((name) => [name, same]));
}

function optionsOf(nodeName: string, security: Where['security'], ...found: Address[]): ClusterOptions {
  return {
    clusterName: 'bench',
    nodeName,
    port: 0,
    discovery: seeds(found.map(formatAddress)),
    security: security[nodeName],
    logger: { debug: ignore, log: ignore, warn: console.warn, error: console.error },
  };
}

function ignore(): void {}
