#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_shim.h"
#include "shim_error.h"

void fst_image_free(void *memory) { free(memory); }

// What libpng's callbacks share; lives outside the frame that calls setjmp, so that no value is lost.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t position;
  char *error;
  size_t error_size;
  uint8_t *pixels;
  png_bytep *rows;
  fst_image_file output;
  size_t capacity;
} png_state;

static void on_error(png_structp png, png_const_charp message) {
  png_state *state = png_get_error_ptr(png);
  fst_shim_error(state->error, state->error_size, "%s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  png_state *state = png_get_io_ptr(png);
  if (count > state->count - state->position) png_error(png, "the file is truncated");
  memcpy(target, state->bytes + state->position, count);
  state->position += count;
}

// The steps that libpng may leave by a long jump.
static int decode_steps(png_structp png, png_infop info, png_state *state, uint32_t max_side,
                        uint64_t max_pixels, fst_image *image) {
  if (setjmp(png_jmpbuf(png))) return -1;
  png_set_read_fn(png, state, read_bytes);
  png_set_user_limits(png, max_side, max_side);
  png_set_chunk_malloc_max(png, 8 << 20);
  png_read_info(png, info);
  image->width = png_get_image_width(png, info);
  image->height = png_get_image_height(png, info);
  if ((uint64_t)image->width * image->height > max_pixels) {
    fst_shim_error(state->error, state->error_size, "%u x %u pixels are more than the limit of %llu",
                   image->width, image->height, (unsigned long long)max_pixels);
    return -1;
  }
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t row = (size_t)image->width * 3;
  if (png_get_rowbytes(png, info) != row) png_error(png, "the pixel format is not supported");
  state->pixels = malloc(row * image->height);
  state->rows = malloc(image->height * sizeof(png_bytep));
  if (!state->pixels || !state->rows) png_error(png, "out of memory");
  for (uint32_t y = 0; y < image->height; y++) state->rows[y] = state->pixels + y * row;
  png_read_image(png, state->rows);
  png_read_end(png, NULL);
  return 0;
}

int fst_png_decode(const uint8_t *bytes, size_t count, uint32_t max_side, uint64_t max_pixels,
                   fst_image *image, char *error, size_t error_size) {
  png_state state = {.bytes = bytes, .count = count, .error = error, .error_size = error_size};
  memset(image, 0, sizeof *image);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  int status = -1;
  if (info) {
    status = decode_steps(png, info, &state, max_side, max_pixels, image);
  } else {
    fst_shim_error(error, error_size, "libpng cannot start");
  }
  png_destroy_read_struct(&png, &info, NULL);
  free(state.rows);
  if (status == 0) {
    image->pixels = state.pixels;
  } else {
    free(state.pixels);
  }
  return status;
}

static void write_bytes(png_structp png, png_bytep source, size_t count) {
  png_state *state = png_get_io_ptr(png);
  size_t needed = state->output.count + count;
  if (needed > state->capacity) {
    size_t capacity = needed * 2 + 4096;
    uint8_t *grown = realloc(state->output.bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    state->output.bytes = grown;
    state->capacity = capacity;
  }
  memcpy(state->output.bytes + state->output.count, source, count);
  state->output.count = needed;
}

static void flush_nothing(png_structp png) { (void)png; }

static int encode_steps(png_structp png, png_infop info, png_state *state, uint32_t width,
                        uint32_t height) {
  if (setjmp(png_jmpbuf(png))) return -1;
  png_set_write_fn(png, state, write_bytes, flush_nothing);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) {
    png_write_row(png, (png_const_bytep)state->bytes + (size_t)y * width * 3);
  }
  png_write_end(png, NULL);
  return 0;
}

int fst_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, fst_image_file *file,
                   char *error, size_t error_size) {
  png_state state = {.bytes = pixels, .error = error, .error_size = error_size};
  memset(file, 0, sizeof *file);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  int status = -1;
  if (info) {
    status = encode_steps(png, info, &state, width, height);
  } else {
    fst_shim_error(error, error_size, "libpng cannot start");
  }
  png_destroy_write_struct(&png, &info);
  if (status == 0) {
    *file = state.output;
  } else {
    free(state.output.bytes);
  }
  return status;
}
