import { Body, Controller, Get, Param, Put, Query, Sse, type MessageEvent } from '@nestjs/common';
import { Member, MembershipService, parseNodeId, type ClusterMetadata } from 'clusterpack';
import type { Observable } from 'rxjs';
import { RecipientPipe } from '../recipient.pipe.js';
import { EventFeed } from './event-feed.js';
import { explanationJson, memberJson, type ExplanationJson, type MemberJson } from './member-json.js';
import { MetadataPipe } from './metadata.pipe.js';
import { WhoamiService, type Introduction } from './whoami.service.js';

@Controller()
export class MembersController {
  constructor(
    private readonly membership: MembershipService,
    private readonly feed: EventFeed,
    private readonly whoami: WhoamiService,
  ) {}

  /** Sorted by id; with `all=1` those that are unreachable or left and still remembered as well. */
  @Get('members')
  members(@Query('all') all?: string): MemberJson[] {
    return (all === '1' ? this.membership.allMembers : this.membership.activeMembers).map(memberJson);
  }

  @Get('self')
  self(): MemberJson {
    return memberJson(this.membership.local);
  }

  /** What this node thinks of a member, remembered or not, and why. */
  @Get('members/:id/explain')
  explain(@Param('id') id: string): ExplanationJson {
    return explanationJson(this.membership.explain(parseNodeId(id)));
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return this.feed.open();
  }

  @Put('metadata')
  update(@Body(MetadataPipe) patch: ClusterMetadata): Promise<ClusterMetadata> {
    return this.membership.updateMetadata(patch);
  }

  @Get('whoami/:id')
  ask(@Param('id', RecipientPipe) member: Member): Promise<Introduction> {
    return this.whoami.ask(member);
  }
}
