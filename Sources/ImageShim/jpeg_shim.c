#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image_shim.h"
#include "shim_error.h"

// libjpeg's error manager with what its callbacks need; `base` comes first so that one casts to both.
typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  char *error;
  size_t error_size;
  uint8_t *pixels;
} jpeg_state;

static void on_error(j_common_ptr common) {
  jpeg_state *state = (jpeg_state *)common->err;
  char message[JMSG_LENGTH_MAX];
  common->err->format_message(common, message);
  fst_shim_error(state->error, state->error_size, "%s", message);
  longjmp(state->jump, 1);
}

// A file that ends early is an error; other warnings leave an image that decoders agree on.
static void on_message(j_common_ptr common, int level) {
  if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) {
    jpeg_state *state = (jpeg_state *)common->err;
    fst_shim_error(state->error, state->error_size, "the file is truncated");
    longjmp(state->jump, 1);
  }
}

static void on_output(j_common_ptr common) { (void)common; }

static int refuse(jpeg_state *state, const char *reason) {
  fst_shim_error(state->error, state->error_size, "%s", reason);
  return -1;
}

// The steps that libjpeg may leave by a long jump.
static int decode_steps(struct jpeg_decompress_struct *jpeg, jpeg_state *state,
                        const uint8_t *bytes, size_t count, uint32_t max_side, uint64_t max_pixels,
                        fst_image *image) {
  if (setjmp(state->jump)) return -1;
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, bytes, (unsigned long)count);
  (void)jpeg_read_header(jpeg, TRUE);
  image->width = jpeg->image_width;
  image->height = jpeg->image_height;
  if (image->width > max_side || image->height > max_side ||
      (uint64_t)image->width * image->height > max_pixels) {
    return refuse(state, "the image has more pixels than the limit");
  }
  if (jpeg->num_components != 1 && jpeg->num_components != 3) {
    return refuse(state, "expected grey or three colours, found another number of components");
  }
  jpeg->out_color_space = JCS_RGB;
  (void)jpeg_start_decompress(jpeg);
  size_t row = (size_t)image->width * 3;
  if (jpeg->output_components != 3 || jpeg->output_width != image->width) {
    return refuse(state, "the pixel format is not supported");
  }
  state->pixels = malloc(row * image->height);
  if (!state->pixels) return refuse(state, "out of memory");
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW line = state->pixels + row * jpeg->output_scanline;
    (void)jpeg_read_scanlines(jpeg, &line, 1);
  }
  (void)jpeg_finish_decompress(jpeg);
  return 0;
}

int fst_jpeg_decode(const uint8_t *bytes, size_t count, uint32_t max_side, uint64_t max_pixels,
                    fst_image *image, char *error, size_t error_size) {
  struct jpeg_decompress_struct jpeg;
  jpeg_state state = {.error = error, .error_size = error_size};
  memset(&jpeg, 0, sizeof jpeg);
  memset(image, 0, sizeof *image);
  jpeg.err = jpeg_std_error(&state.base);
  state.base.error_exit = on_error;
  state.base.emit_message = on_message;
  state.base.output_message = on_output;
  int status = decode_steps(&jpeg, &state, bytes, count, max_side, max_pixels, image);
  jpeg_destroy_decompress(&jpeg);
  if (status == 0) {
    image->pixels = state.pixels;
  } else {
    free(state.pixels);
  }
  return status;
}
