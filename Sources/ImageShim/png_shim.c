#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "image_shim.h"
#include "shim_error.h"

// Pictures have a chunk per 8 KB or 32 KB of data; the rest is text.
#define MAX_CHUNKS (1u << 20)

// What libpng's callbacks share; lives outside the frame that calls setjmp, so that no value is lost.
typedef struct {
  fst_picture *picture;
  size_t position;
  uint8_t *pixels;
  png_bytep *rows;
} png_state;

static void on_error(png_structp png, png_const_charp message) {
  png_state *state = png_get_error_ptr(png);
  (void)fst_refuse(state->picture, "%s", message);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  png_state *state = png_get_io_ptr(png);
  fst_picture *picture = state->picture;
  if (count > picture->count - state->position) png_error(png, "the file is truncated");
  memcpy(target, picture->bytes + state->position, count);
  state->position += count;
}

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

// Walks over the chunks up to the last, since libpng takes memory for the length that one claims
// before it looks whether the file is that long.
static int check_chunks(fst_picture *picture) {
  size_t position = 8;
  for (uint32_t chunks = 0; picture->count - position >= 12; chunks++) {
    if (chunks == MAX_CHUNKS) return fst_refuse(picture, "it has more than %u chunks", MAX_CHUNKS);
    const uint8_t *chunk = picture->bytes + position;
    uint32_t length = big_endian(chunk);
    if (length > picture->count - position - 12) {
      return fst_refuse(picture,
                        "the file is truncated: a chunk at byte %zu claims %u bytes, %zu follow",
                        position, length, picture->count - position - 12);
    }
    if (!memcmp(chunk + 4, "IEND", 4)) return 0;
    position += (size_t)length + 12;
  }
  return fst_refuse(picture, "the file is truncated: no IEND chunk");
}

static int read_header(fst_picture *picture) {
  const uint8_t *bytes = picture->bytes;
  if (picture->count < 33 || memcmp(bytes, "\x89PNG\r\n\x1a\n", 8)) {
    return fst_refuse(picture, "the file is truncated");
  }
  if (big_endian(bytes + 8) != 13 || memcmp(bytes + 12, "IHDR", 4)) {
    return fst_refuse(picture, "expected IHDR as its first chunk");
  }
  picture->size = (fst_image_size){big_endian(bytes + 16), big_endian(bytes + 20)};
  return 0;
}

// Grey of 16 bits, which lies in the first two thirds of each row, cut off at 255.
static void expand_wide_grey(png_state *state) {
  fst_image_size size = state->picture->size;
  for (uint32_t y = 0; y < size.height; y++) {
    uint8_t *row = state->rows[y];
    for (size_t x = size.width; x-- > 0;) {
      uint8_t value = row[2 * x] ? 255 : row[2 * x + 1];
      memset(row + 3 * x, value, 3);
    }
  }
}

// The steps that libpng may leave by a long jump.
static int decode_steps(png_structp png, png_infop info, png_state *state) {
  if (setjmp(png_jmpbuf(png))) return -1;
  fst_image_size size = state->picture->size;
  png_set_read_fn(png, state, read_bytes);
  png_set_user_limits(png, size.width, size.height);
  // Text, profiles and what is unknown are passed over: some of them would be unpacked first.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  int is_wide_grey = png_get_bit_depth(png, info) == 16 &&
                     png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY;
  if (png_get_image_width(png, info) != size.width ||
      png_get_image_height(png, info) != size.height) {
    png_error(png, "the size changes");
  }
  if (!is_wide_grey) {
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t row = (size_t)size.width * 3;
  if (png_get_rowbytes(png, info) != (is_wide_grey ? (size_t)size.width * 2 : row)) {
    png_error(png, "the pixel format is not supported");
  }
  state->rows = malloc(size.height * sizeof(png_bytep));
  if (!state->rows) png_error(png, "out of memory");
  for (uint32_t y = 0; y < size.height; y++) state->rows[y] = state->pixels + y * row;
  png_read_image(png, state->rows);
  png_read_end(png, NULL);
  if (is_wide_grey) expand_wide_grey(state);
  return 0;
}

int fst_png_read(fst_picture *picture, uint8_t *pixels) {
  if (!pixels) return read_header(picture);
  if (check_chunks(picture)) return -1;
  png_state state = {.picture = picture, .pixels = pixels};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  int status = info ? decode_steps(png, info, &state) : fst_refuse(picture, "libpng cannot start");
  png_destroy_read_struct(&png, &info, NULL);
  free(state.rows);
  return status;
}
