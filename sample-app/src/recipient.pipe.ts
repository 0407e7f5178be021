import { Injectable, type PipeTransform } from '@nestjs/common';
import { Member, MembershipService, parseNodeId, UnknownMemberError } from 'clusterpack';
import { ApiError } from './api-error.js';

/** Turns the `:id` of a path into a member that can be talked to. */
@Injectable()
export class RecipientPipe implements PipeTransform<string, Member> {
  constructor(private readonly membership: MembershipService) {}

  /**
   * @throws InvalidNodeIdError (400), UnknownMemberError (404), ApiError (409) for one that is gone
   */
  transform(text: string): Member {
    const id = parseNodeId(text);
    const member = this.membership.member(id);
    if (member === undefined) throw new UnknownMemberError(`No member with the id ${id} is known here`);
    if (!member.isActive) {
      const [code, what] =
        member.state === 'left' ? ['MEMBER_LEFT', 'has left'] : ['MEMBER_UNREACHABLE', 'is unreachable'];
      throw new ApiError(409, code, `${member.name} (${id}) ${what}`);
    }
    return member;
  }
}
