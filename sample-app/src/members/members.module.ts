import { Module } from '@nestjs/common';
import { EventFeed } from './event-feed.js';
import { MembersController } from './members.controller.js';
import { WhoamiService } from './whoami.service.js';

@Module({ controllers: [MembersController], providers: [EventFeed, WhoamiService] })
export class MembersModule {}
