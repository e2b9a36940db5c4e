// How a TIFF's samples lie, and how they become 8-bit RGB.
#ifndef FST_TIFF_SAMPLES_H
#define FST_TIFF_SAMPLES_H

#include <tiffio.h>

#include "image_shim.h"

typedef struct {
  fst_image_size stored;  // Before it is turned as `orientation` says.
  uint16_t orientation;   // 1...8 as in Exif; 5 and above exchange width and height.
  uint16_t bits;          // A sample: 1, 2, 4, 8, 16 or 32.
  uint16_t samples;       // A pixel's, alpha and others included.
  uint16_t colors;        // A pixel's without them: 1, 3 or 4.
  uint16_t photometric;
  uint16_t format;      // SAMPLEFORMAT_UINT, _INT or _IEEEFP.
  int is_apart;         // Whether each colour is a plane of its own.
  int is_premultiplied;  // Whether alpha, the sample after the colours, is multiplied into them.
  uint8_t palette[256][3];
} fst_tiff_layout;

// The size as shown; 0, or -1 where the file has none.
int fst_tiff_size(TIFF *tiff, fst_image_size *size);

// Sets `layout`; returns 0, or -1 with `picture->error` for what is not read.
int fst_tiff_layout_read(TIFF *tiff, fst_picture *picture, fst_tiff_layout *layout);

// The bytes of a row of `width` pixels; of one plane where colours lie apart.
size_t fst_tiff_row_bytes(const fst_tiff_layout *layout, uint32_t width);

// Writes `count` pixels from a row of samples; of colours that lie apart, that of `plane` alone.
void fst_tiff_write(const fst_tiff_layout *layout, const uint8_t *row, uint16_t plane,
                    uint8_t *pixels, uint32_t count);

// Copies `stored` to `pixels`, turned and mirrored as the orientation says.
void fst_tiff_turn(const fst_tiff_layout *layout, const uint8_t *stored, uint8_t *pixels);

#endif
