/// Groups of channels that don't see each other.
override GROUPS: u32 = 1;
/// Input channels of one group.
override GROUP_IN: u32 = 4;
/// Output channels of one group.
override GROUP_OUT: u32 = 8;
