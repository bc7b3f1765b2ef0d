// What is computed on accumulated values before they are stored, several neighbours at a time. The default stores them as
// they are, one by one.
// slot: epilogue
alias Y = f32;
const Y_LANES: u32 = 1u;

fn y_pack(lanes: array<f32, Y_LANES>) -> Y {
    return lanes[0];
}

alias PerChannel = array<Y, 1>;

fn per_channel(channel: u32) -> PerChannel {
    return PerChannel();
}

fn epilogue(value: Y, i: u32, at: PerChannel) -> Y {
    return value;
}
// end
