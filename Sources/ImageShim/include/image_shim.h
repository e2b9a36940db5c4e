// Thin C entry to libpng and libjpeg, whose errors are long jumps that Swift must never see.
#ifndef FST_IMAGE_SHIM_H
#define FST_IMAGE_SHIM_H

#include <stddef.h>
#include <stdint.h>

// An image of 8-bit red, green, blue, row by row without padding; `pixels` is freed by fst_image_free.
typedef struct {
  uint8_t *pixels;
  uint32_t width;
  uint32_t height;
} fst_image;

// Bytes of a file made in memory; freed by fst_image_free.
typedef struct {
  uint8_t *bytes;
  size_t count;
} fst_image_file;

// Decodes a file in memory to RGB. Palettes are looked up, grey is repeated, 16 bits lose the low
// byte, alpha and colour profiles are left out. Refuses images whose width or height exceeds
// `max_side`, or whose width x height exceeds `max_pixels`.
// Returns 0, or -1 with one line of reason in `error` (`error_size` > 0 bytes, NUL-terminated).
int fst_png_decode(const uint8_t *bytes, size_t count, uint32_t max_side, uint64_t max_pixels,
                   fst_image *image, char *error, size_t error_size);
int fst_jpeg_decode(const uint8_t *bytes, size_t count, uint32_t max_side, uint64_t max_pixels,
                    fst_image *image, char *error, size_t error_size);

// Encodes 8-bit RGB as a PNG of IHDR, IDAT and IEND alone; returns as above.
int fst_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, fst_image_file *file,
                   char *error, size_t error_size);

// Frees what the functions above allocated; NULL is allowed.
void fst_image_free(void *memory);

#endif
