import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { seeds } from '../../src/discovery/static.js';
import { ClusterModule } from '../../src/nestjs/cluster.module.js';
import { MembershipService } from '../../src/nestjs/membership.service.js';
import { OnClusterRequest } from '../../src/nestjs/decorators/on-cluster-request.decorator.js';
import { generateSecret, type Secret } from '../../src/transport/tcp/tls/secrets.js';
import { NestLines } from './start-app.js';

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describe('an application with a secret', () => {
  it('asks others that have it, and goes on while the secret changes', async () => {
    const [old, next] = [generateSecret(), generateSecret()];
    const a = await start([old]);
    const b = await start([old], a);
    await b.membership.whenReady({ members: 2, timeoutMs: 20_000 });
    for (const step of [[old, next], [next, old], [next]]) {
      for (const { membership } of [a, b]) await membership.rotateSecrets(step);
      expect(await b.membership.request(a.membership.local, 'whoami', {})).toBe(a.membership.local.name);
    }
    await expect(a.membership.reloadTls()).rejects.toThrow(/security\.tls.*was not given/);
    expect(a.lines.lines.map(({ text }) => text).join()).not.toContain(next);
  });

  it('does not start with one that is too short, and does not say it', async () => {
    const starting = start(['hunter2']);
    await expect(starting).rejects.toThrow(/security\.secrets\.0" has 5 bytes.*npx clusterpack keygen/);
    await expect(starting).rejects.not.toThrow(/hunter2/);
  });
});

@Injectable()
class Identity {
  constructor(private readonly membership: MembershipService) {}

  @OnClusterRequest('whoami')
  whoami(): string {
    return this.membership.local.name;
  }
}

interface Started {
  readonly membership: MembershipService;
  readonly lines: NestLines;
}

async function start(secrets: readonly Secret[], seed?: Started): Promise<Started> {
  const known = seed === undefined ? [] : [`127.0.0.1:${seed.membership.local.address.port}`];
  @Module({
    imports: [
      ClusterModule.forRoot({
        clusterName: 'nest-secured',
        port: 0,
        discovery: seeds(...known),
        security: { secrets },
      }),
    ],
    providers: [Identity],
  })
  class App {}
  const lines = new NestLines();
  const app = await Test.createTestingModule({ imports: [App] })
    .setLogger(lines)
    .compile();
  apps.push(app);
  await app.init();
  return { membership: app.get(MembershipService), lines };
}
