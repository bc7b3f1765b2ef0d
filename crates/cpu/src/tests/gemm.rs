use convoke_core::expr::Broadcast;
use convoke_core::kernels::Gemm;
use convoke_core::shape::Extent;

use super::{between, check, epilogues, finish, floats, step, stream, words};

#[test]
fn matrix_product() {
    let mut random = stream(1);
    let mut shapes: Vec<[usize; 3]> = (0..60)
        .map(|_| [between(&mut random, 1, 40), between(&mut random, 1, 70), between(&mut random, 1, 90)])
        .collect();
    shapes.extend([[64, 10, 128], [5, 128, 1568], [130, 1568, 3], [1, 1, 1], [300, 7, 20], [17, 300, 700]]);
    for (i, [m, n, k]) in shapes.into_iter().enumerate() {
        let (transpose_a, transpose_b) = (i % 2 == 1, i % 4 > 1);
        let (a, b) = (floats(&mut random, m * k), floats(&mut random, k * n));
        let (mut sums, mut scale) = (vec![0.0; m * n], vec![0.0; m * n]);
        for row in 0..m {
            for column in 0..n {
                for at in 0..k {
                    let a = a[if transpose_a { at * m + row } else { row * k + at }];
                    let b = b[if transpose_b { column * k + at } else { at * n + column }];
                    sums[row * n + column] += f64::from(a) * f64::from(b);
                    scale[row * n + column] += f64::from(a * b).abs();
                }
            }
        }
        let channel = Broadcast::Channel { channels: n, inner: 1 };
        for (epilogue, operands) in epilogues(&mut random, m * n, channel) {
            // The rows of one product are the samples; another's sum runs over them.
            let (m_extent, k_extent) =
                if i % 3 == 0 { (Extent::Fixed(m), Extent::Batch(k)) } else { (Extent::Batch(m), Extent::Fixed(k)) };
            let step = step(1);
            let expected = finish(&epilogue, &operands, &sums, &step);
            let mut reads = vec![words(&a), words(&b)];
            reads.extend(operands.iter().map(|o| words(o)));
            let gemm = Gemm { m: m_extent, n: Extent::Fixed(n), k: k_extent, transpose_a, transpose_b, epilogue };
            check(gemm, &step, &reads, &expected, &scale);
        }
    }
}
