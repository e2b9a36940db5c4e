#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "image_shim.h"
#include "shim_error.h"

void fst_image_free(void *memory) { free(memory); }

// What libpng's callbacks share; lives outside the frame that calls setjmp, so that no value is lost.
typedef struct {
  const uint8_t *pixels;
  char *error;
  size_t error_size;
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
    png_write_row(png, (png_const_bytep)state->pixels + (size_t)y * width * 3);
  }
  png_write_end(png, NULL);
  return 0;
}

int fst_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, fst_image_file *file,
                   char *error, size_t error_size) {
  png_state state = {.pixels = pixels, .error = error, .error_size = error_size};
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
