//! Matrix product, in blocks of the output. Where both operands lie along the sum (`a` plain, `b` transposed: a linear layer)
//! a block is inner products; otherwise it is outer products.

use convoke_core::kernels::Gemm;
use convoke_core::step::Step;

use crate::context::Context;
use crate::pointwise::Pointwise;
use crate::dots::{Dots, Operand};
use crate::rows::{Finish, Rows, lanes, pack_panels, panel_rows};

/// Rows and columns of a block of inner products: whole register tiles of any width, whose operands stay in the
/// second-level cache.
const DOTS_BLOCK: [usize; 2] = [24, 48];

/// Rows and columns of a block of outer products.
const ROWS_BLOCK: [usize; 2] = [64, 192];

/// A block of the output: its first row and column, and its pieces of rows.
struct Block<'a> {
    row: usize,
    column: usize,
    out: Vec<&'a mut [f32]>,
}

/// Cuts `c`, of rows of `n`, into blocks.
fn blocks(c: &mut [f32], n: usize, size: [usize; 2]) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for (i, rows) in c.chunks_mut(size[0] * n).enumerate() {
        let first = blocks.len();
        let block = |j| Block { row: i * size[0], column: j * size[1], out: Vec::with_capacity(size[0]) };
        blocks.extend((0..n.div_ceil(size[1])).map(block));
        for row in rows.chunks_exact_mut(n) {
            row.chunks_mut(size[1]).zip(&mut blocks[first..]).for_each(|(piece, block)| block.out.push(piece));
        }
    }
    blocks
}

/// Runs the kernel: reads, writes as the kernel's description lists them.
pub fn run(kernel: &Gemm, step: &Step, reads: &[&[u32]], writes: &mut [&mut [u32]], context: &Context) {
    let [m, n, k] = [kernel.m, kernel.n, kernel.k].map(|e| e.at(step.samples as usize));
    let a: &[f32] = &bytemuck::cast_slice(reads[0])[..m * k];
    let b: &[f32] = &bytemuck::cast_slice(reads[1])[..k * n];
    let c: &mut [f32] = &mut bytemuck::cast_slice_mut(writes[0])[..m * n];
    let epilogue = Pointwise::epilogue(&kernel.epilogue, reads, step, context);
    if kernel.transpose_b {
        let mut transposed = context.scratch(if kernel.transpose_a { a.len() } else { 0 });
        if kernel.transpose_a {
            pack_panels(&mut transposed, 1, m, k, |row, at| a[at * m + row]);
        }
        let a = if kernel.transpose_a { &transposed } else { a };
        inner_products(context, a, b, c, [m, n, k], &epilogue);
    } else {
        let panel = panel_rows(context.arch, m);
        let mut panels = context.scratch(m.next_multiple_of(panel) * k);
        if kernel.transpose_a {
            pack_panels(&mut panels, panel, m, k, |row, at| a[at * m + row]);
        } else {
            pack_panels(&mut panels, panel, m, k, |row, at| a[row * k + at]);
        }
        outer_products(context, &panels, b, c, [n, k], &epilogue);
    }
}

fn inner_products(
    context: &Context,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    [m, n, k]: [usize; 3],
    epilogue: &Pointwise<'_>,
) {
    let offsets: Vec<usize> = (0..m.max(n)).map(|i| i * k).collect();
    context.tasks(blocks(c, n, DOTS_BLOCK), |_, mut block| {
        block.out.iter_mut().for_each(|row| row.fill(0.0));
        let (rows, columns) = (block.out.len(), block.out[0].len());
        context.arch.dispatch(Dots {
            a: Operand { data: a, offsets: &offsets[block.row..][..rows], pitch: 0 },
            b: Operand { data: b, offsets: &offsets[block.column..][..columns], pitch: 0 },
            members: 1,
            len: k,
            out: &mut block.out,
        });
        for (i, row) in block.out.iter_mut().enumerate() {
            epilogue.apply((block.row + i) * n + block.column, row);
        }
    });
}

fn outer_products(
    context: &Context,
    panels: &[f32],
    b: &[f32],
    c: &mut [f32],
    [n, k]: [usize; 2],
    epilogue: &Pointwise<'_>,
) {
    // A row's bias would be for each sample: it is no channel's.
    let finish = epilogue.finish(0, n);
    let narrow = lanes(context.arch);
    // Whole vectors are read even where a block has fewer columns: then of a copy.
    let last = n % ROWS_BLOCK[1];
    let needs_copy = (1..narrow).contains(&last);
    let mut copy = context.scratch(if needs_copy { k * narrow } else { 0 });
    if needs_copy {
        for (copy, row) in copy.chunks_exact_mut(narrow).zip(b.chunks_exact(n)) {
            copy[..last].copy_from_slice(&row[n - last..]);
            copy[last..].fill(0.0);
        }
    }
    let offsets: Vec<usize> = (0..k).map(|at| at * n).collect();
    let copy_offsets: Vec<usize> = (0..k).map(|at| at * narrow).collect();
    context.tasks(blocks(c, n, ROWS_BLOCK), |_, mut block| {
        let is_copied = needs_copy && block.column + last == n;
        context.arch.dispatch(Rows {
            panels: &panels[block.row * k..],
            offsets: if is_copied { &copy_offsets } else { &offsets },
            source: if is_copied { &copy } else { &b[block.column..] },
            out: &mut block.out,
            finish: finish.unwrap_or(Finish::Store).from(block.row, block.column),
        });
        if finish.is_none() {
            for (i, row) in block.out.iter_mut().enumerate() {
                epilogue.apply((block.row + i) * n + block.column, row);
            }
        }
    });
}
