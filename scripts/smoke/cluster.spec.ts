import { Test } from '@nestjs/testing';
import { ClusterModule, MembershipService } from 'clusterpack';

describe('a module with a cluster', () => {
  it('starts alone in a test, and closes', async () => {
    const module = await Test.createTestingModule({ imports: [ClusterModule.forRoot()] }).compile();
    await module.init();
    expect(module.get(MembershipService).activeMembers).toHaveLength(1);
    await module.close();
  });
});
