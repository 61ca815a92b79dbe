export { autoAttack, type AutoAttackOptions, type Member } from './autoattack.ts';
export { autoAttackMembers, type MembersOptions, type Version } from './members.ts';
export { plugin } from './plugin.ts';
