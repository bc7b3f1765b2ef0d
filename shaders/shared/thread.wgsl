/// Threads in a workgroup.
override WORKGROUP: u32 = 64;

// Workgroups are counted along x and, beyond the 65,535 that a dimension may have, folded into y.
fn linear_group(group: vec3u, groups: vec3u) -> u32 {
    return group.y * groups.x + group.x;
}

fn linear_thread(group: vec3u, groups: vec3u, local: u32) -> u32 {
    return linear_group(group, groups) * WORKGROUP + local;
}
