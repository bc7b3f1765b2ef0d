/// The input's rows.
override IN_H: u32 = 8;
/// The input's columns.
override IN_W: u32 = 8;
/// The output's rows.
override OUT_H: u32 = 8;
/// The output's columns.
override OUT_W: u32 = 8;
/// The window's rows.
override KERNEL_H: u32 = 3;
/// The window's columns.
override KERNEL_W: u32 = 3;
/// Input rows from one output row to the next.
override STRIDE_H: u32 = 1;
/// Input columns from one output column to the next.
override STRIDE_W: u32 = 1;
/// Rows imagined above and below the input.
override PADDING_H: u32 = 1;
/// Columns imagined left and right of the input.
override PADDING_W: u32 = 1;
/// Input rows between two rows of the window.
override DILATION_H: u32 = 1;
/// Input columns between two columns of the window.
override DILATION_W: u32 = 1;
