// The loops of one variant of a matrix product, included once for each. Before it are defined:
// NAME(f), this variant's name of f; TARGET, the processor that it is compiled for, or nothing;
// product_sum, 16 sums in the making; NAME(multiply_add)(sum, a, row), which adds one element of a times
// a row of b; VALUES, the values in an element; RESULT(sum, a, b), the sums as they are written, with a
// and b where the depth ends.

// `height` rows of `width` panels' results, held in registers throughout. The results' own lines are
// asked for first: where they lie far apart, as a weight gradient's do, waiting for them at the end
// took 15 % of the time.
TARGET INLINED void NAME(rows_of_panels)(int height, int width, const fst_kernel_product *p,
                                         const float *a, const float *b, float *c,
                                         upcoming next) {
  product_sum sums[12][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      sums[r][w] = (product_sum){0};
      __builtin_prefetch(c + r * p->c_row + w * FST_KERNEL_PANEL, WRITE, KEEP);
    }
  }
  row_addresses rows = addresses_of_rows(height, a, p->a_row);
  for (ptrdiff_t d = 0; d < p->depth; d++) {
    if (d % STEPS_PER_LOOK == 0) look_ahead(height, width, p, next, d);
    panel_row row[2];
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      row[w] = *(const panel_row *)(b + w * p->b_panel);
      __builtin_prefetch(b + w * p->b_panel + PREFETCH_DISTANCE * p->b_depth, !WRITE, KEEP);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
      for (int w = 0; w < width; w++)
        NAME(multiply_add)(&sums[r][w], rows.of_three[r / 3] + r % 3 * p->a_row, &row[w]);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < height; r += 3) rows.of_three[r / 3] += p->a_depth;
    b += p->b_depth;
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < height; r++) {
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      panel_row *target = (panel_row *)(c + r * p->c_row + w * FST_KERNEL_PANEL);
      const float *after_a = rows.of_three[r / 3] + r % 3 * p->a_row, *after_b = b + w * p->b_panel;
      *target = p->accumulate ? RESULT(sums[r][w], after_a, after_b) + *target
                              : RESULT(sums[r][w], after_a, after_b);
    }
  }
}

// All rows of `width` panels, by groups of `height`, 8, 4 and 1: the panels stay in the first-level
// cache. Beside the first panels each group fetches the next group's rows; all groups but the first
// share the next panels out among them.
TARGET INLINED void NAME(panels_by_rows)(int height, int width, const fst_kernel_product *p,
                                         ptrdiff_t panel) {
  const float *a = p->a, *b = p->b + panel * p->b_panel;
  float *c = p->c + panel * FST_KERNEL_PANEL;
  const upcoming none = {NULL, NULL};
  bool is_large = p->rows >= LEAST_THAT_LOOKS && p->depth * VALUES >= LEAST_THAT_LOOKS;
  bool looks_at_rows = is_large && panel == 0 && p->a_depth == 1;
  bool looks_at_panels = is_large && panel + 2 * width <= p->panels;
  ptrdiff_t asked_for = 0, per_group = p->depth / STEPS_PER_LOOK * ROWS_PER_LOOK;
  ptrdiff_t r = 0;
  for (; r + height <= p->rows; r += height) {
    upcoming next = none;
    if (looks_at_rows && r + 2 * height <= p->rows) next.a = a + (r + height) * p->a_row;
    if (looks_at_panels && r > 0 && asked_for < p->depth) {
      next.b = b + width * p->b_panel + asked_for * p->b_depth;
      asked_for += per_group;
    }
    // Two copies of the loop: a look that asks for nothing costs narrow layers 4 %.
    if (next.a || next.b)
      NAME(rows_of_panels)(height, width, p, a + r * p->a_row, b, c + r * p->c_row, next);
    else
      NAME(rows_of_panels)(height, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  }
  for (; height > 8 && r + 8 <= p->rows; r += 8)
    NAME(rows_of_panels)(8, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  for (; r + 4 <= p->rows; r += 4)
    NAME(rows_of_panels)(4, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
  for (; r < p->rows; r++)
    NAME(rows_of_panels)(1, width, p, a + r * p->a_row, b, c + r * p->c_row, none);
}

TARGET INLINED void NAME(multiply)(int height, int width, const fst_kernel_product *p) {
  ptrdiff_t panel = 0;
  for (; panel + width <= p->panels; panel += width) NAME(panels_by_rows)(height, width, p, panel);
  for (; panel < p->panels; panel++) NAME(panels_by_rows)(height, 1, p, panel);
}

#undef NAME
#undef TARGET
#undef product_sum
#undef VALUES
#undef RESULT
