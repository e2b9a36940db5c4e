// Thin C entry to libpng, libjpeg, libwebp and libtiff, whose errors must never leave it but as text.
#ifndef FST_IMAGE_SHIM_H
#define FST_IMAGE_SHIM_H

#include <stddef.h>
#include <stdint.h>

// What a picture's header says of its size, in pixels.
typedef struct {
  uint32_t width;
  uint32_t height;
} fst_image_size;

// What the decoders are given and what they give back; `error` holds one line after a failure.
typedef struct {
  const uint8_t *bytes;  // The whole file.
  size_t count;
  fst_image_size size;
  uint32_t warnings;  // Faults in the data that the library went on after.
  char error[256];
} fst_picture;

// Each reads a file in memory, in two steps. With `pixels` NULL it looks at the header alone and
// sets `size`. Else it decodes into `pixels`, 8-bit red, green, blue, row by row without padding,
// `size` as it was set; a picture of another size is a failure. Returns 0, or -1 with `error`.
//
// Colours are what Pillow's convert("RGB") makes of them: palettes are looked up, grey is repeated,
// alpha and colour profiles are left out, CMYK is multiplied by its black; of 16 bits the high byte
// is taken, but grey of 16 bits is cut off at 255.
int fst_png_read(fst_picture *picture, uint8_t *pixels);
int fst_jpeg_read(fst_picture *picture, uint8_t *pixels);
int fst_webp_read(fst_picture *picture, uint8_t *pixels);
int fst_tiff_read(fst_picture *picture, uint8_t *pixels);

// Bytes of a file made in memory; freed by fst_image_free.
typedef struct {
  uint8_t *bytes;
  size_t count;
} fst_image_file;

// Encodes 8-bit RGB as a PNG of IHDR, IDAT and IEND alone; returns 0, or -1 with one line of reason
// in `error` (`error_size` > 0 bytes, NUL-terminated).
int fst_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, fst_image_file *file,
                   char *error, size_t error_size);

// Frees what the functions above allocated; NULL is allowed.
void fst_image_free(void *memory);

#endif
