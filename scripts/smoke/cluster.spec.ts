import { Test } from '@nestjs/testing';
import { ClusterModule, getClusterOptionsToken, MembershipService } from 'clusterpack';
import { AlarmModule, crashOne, isolated, simulated } from './testing';

describe('a module with a cluster', () => {
  it('starts alone in a test, and closes', async () => {
    const module = await Test.createTestingModule({ imports: [ClusterModule.forRoot()] }).compile();
    await module.init();
    expect(module.get(MembershipService).activeMembers).toHaveLength(1);
    await module.close();
  });

  it('is isolated', async () => {
    const module = await Test.createTestingModule({ imports: [AlarmModule] })
      .overrideProvider(getClusterOptionsToken())
      .useValue(isolated())
      .compile();
    await module.init();
    const membership = module.get(MembershipService);
    expect(membership.activeMembers).toHaveLength(1);
    expect(await membership.request(membership.local, 'who', undefined)).toBe(membership.local.name);
    await module.close();
  });

  it('is one of three in virtual time', async () => {
    expect(await crashOne()).toEqual({ raised: ['c'], answer: 'b' });
  });

  it('has a protocol that can be simulated', () => {
    expect(simulated()).toBe('unreachable');
  });
});
