#if __has_include(<tiffio.h>)

#include "tiff_samples.h"

#include <stdlib.h>
#include <string.h>

#include "shim_error.h"

int fst_tiff_size(TIFF *tiff, fst_image_size *size) {
  uint32_t width = 0, height = 0;
  uint16_t orientation = 1;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) ||
      !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) || !width || !height) {
    return -1;
  }
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  int is_turned = orientation >= 5 && orientation <= 8;
  *size = is_turned ? (fst_image_size){height, width} : (fst_image_size){width, height};
  return 0;
}

// Codecs whose memory and time follow from the picture's size. JPEG's colours become RGB in libjpeg.
static int check_compression(TIFF *tiff, fst_picture *picture, fst_tiff_layout *layout) {
  uint16_t compression = COMPRESSION_NONE;
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  switch (compression) {
    case COMPRESSION_JPEG:
      if (layout->photometric == PHOTOMETRIC_YCBCR) {
        (void)TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        layout->photometric = PHOTOMETRIC_RGB;
      }
      return 0;
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
      return 0;
    default:
      return fst_refuse(picture, "compression %u is not read; save it with LZW or Deflate",
                        compression);
  }
}

static int read_palette(TIFF *tiff, fst_picture *picture, fst_tiff_layout *layout) {
  uint16_t *planes[3];
  if (layout->bits > 8 ||
      !TIFFGetField(tiff, TIFFTAG_COLORMAP, &planes[0], &planes[1], &planes[2])) {
    return fst_refuse(picture, "it has no palette that can be used");
  }
  for (int index = 0; index < 1 << layout->bits; index++) {
    for (int color = 0; color < 3; color++) {
      layout->palette[index][color] = (uint8_t)(planes[color][index] >> 8);
    }
  }
  return 0;
}

// What the samples mean; grey is a palette too where it has at most 8 bits.
static int read_colors(TIFF *tiff, fst_picture *picture, fst_tiff_layout *layout) {
  int is_inverted = layout->photometric == PHOTOMETRIC_MINISWHITE;
  layout->colors = 1;
  switch (layout->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      for (int index = 0; layout->bits <= 8 && index < 1 << layout->bits; index++) {
        int level = index * 255 / ((1 << layout->bits) - 1);
        memset(layout->palette[index], is_inverted ? 255 - level : level, 3);
      }
      if (layout->bits > 8 && is_inverted) break;
      return 0;
    case PHOTOMETRIC_PALETTE:
      return read_palette(tiff, picture, layout);
    case PHOTOMETRIC_RGB:
      layout->colors = 3;
      if (layout->bits == 8 || layout->bits == 16) return 0;
      break;
    case PHOTOMETRIC_SEPARATED:
      layout->colors = 4;
      if (layout->bits == 8 || layout->bits == 16) return 0;
      break;
  }
  return fst_refuse(picture, "colours of kind %u with %u bits are not read", layout->photometric,
                    layout->bits);
}

static int check_samples(fst_picture *picture, const fst_tiff_layout *layout) {
  uint16_t bits = layout->bits, format = layout->format;
  int is_whole = bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 32;
  int is_plain = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
  int is_wide_grey = layout->colors == 1 && layout->samples == 1 &&
                     ((format == SAMPLEFORMAT_INT && bits >= 16) ||
                      (format == SAMPLEFORMAT_IEEEFP && bits == 32));
  if (!is_whole || (!is_plain && !is_wide_grey) || 
      ((bits < 8 || bits == 32) && layout->samples != 1)) {
    return fst_refuse(picture, "%u samples of %u bits and format %u are not read", layout->samples,
                      bits, format);
  }
  if (layout->samples < layout->colors || layout->samples > 8) {
    return fst_refuse(picture, "expected %u to 8 samples a pixel, found %u", layout->colors,
                      layout->samples);
  }
  return 0;
}

int fst_tiff_layout_read(TIFF *tiff, fst_picture *picture, fst_tiff_layout *layout) {
  uint16_t planar = PLANARCONFIG_CONTIG, extra_count = 0, *extra = NULL;
  memset(layout, 0, sizeof *layout);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->photometric)) {
    return fst_refuse(picture, "it does not say what its colours are");
  }
  (void)TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout->stored.width);
  (void)TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout->stored.height);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &layout->orientation);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout->format);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  (void)TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
  if (layout->orientation < 1 || layout->orientation > 8) layout->orientation = 1;
  layout->is_apart = planar == PLANARCONFIG_SEPARATE && layout->samples > 1;
  if (check_compression(tiff, picture, layout) || read_colors(tiff, picture, layout) ||
      check_samples(picture, layout)) {
    return -1;
  }
  layout->is_premultiplied = layout->photometric == PHOTOMETRIC_RGB && layout->bits == 8 &&
                             layout->samples == 4 && extra_count > 0 && extra &&
                             extra[0] == EXTRASAMPLE_ASSOCALPHA;
  if (layout->is_apart && (layout->colors == 4 || layout->is_premultiplied)) {
    return fst_refuse(picture, "CMYK or multiplied alpha in planes is not read");
  }
  return 0;
}

size_t fst_tiff_row_bytes(const fst_tiff_layout *layout, uint32_t width) {
  size_t samples = layout->is_apart ? 1 : layout->samples;
  return ((size_t)width * samples * layout->bits + 7) / 8;
}

static uint8_t clipped(double value) { return value > 255 ? 255 : value > 0 ? (uint8_t)value : 0; }

// Grey of more than 8 bits, cut off at 255.
static uint8_t wide_grey(const fst_tiff_layout *layout, const uint8_t *row, size_t index) {
  int is_signed = layout->format == SAMPLEFORMAT_INT;
  if (layout->bits == 16) {
    uint16_t value;
    memcpy(&value, row + index * 2, sizeof value);
    return clipped(is_signed ? (int16_t)value : value);
  }
  if (layout->format == SAMPLEFORMAT_IEEEFP) {
    float value;
    memcpy(&value, row + index * 4, sizeof value);
    return clipped(value);
  }
  uint32_t value;
  memcpy(&value, row + index * 4, sizeof value);
  return clipped(is_signed ? (double)(int32_t)value : (double)value);
}

// A sample of 8 bits, or the high byte of 16; libtiff gives samples in this machine's order.
static uint8_t high_byte(const fst_tiff_layout *layout, const uint8_t *row, size_t index) {
  if (layout->bits == 8) return row[index];
  uint16_t value;
  memcpy(&value, row + index * 2, sizeof value);
  return (uint8_t)(value >> 8);
}

static uint8_t divided(uint8_t value, uint8_t alpha) {
  return alpha == 0 ? 0 : clipped(255.0 * value / alpha);
}

static void write_grey(const fst_tiff_layout *layout, const uint8_t *row, uint8_t *pixel,
                       size_t x) {
  size_t index = layout->is_apart ? x : x * layout->samples;
  if (layout->bits > 8) {
    int is_cut = layout->samples == 1;
    memset(pixel, is_cut ? wide_grey(layout, row, index) : high_byte(layout, row, index), 3);
    return;
  }
  size_t bit = index * layout->bits;
  int mask = (1 << layout->bits) - 1;
  memcpy(pixel, layout->palette[row[bit / 8] >> (8 - layout->bits - bit % 8) & mask], 3);
}

void fst_tiff_write(const fst_tiff_layout *layout, const uint8_t *row, uint16_t plane,
                    uint8_t *pixels, uint32_t count) {
  for (uint32_t x = 0; x < count; x++) {
    uint8_t *pixel = pixels + (size_t)x * 3;
    size_t first = (size_t)x * layout->samples;
    if (layout->colors == 1) {
      write_grey(layout, row, pixel, x);
    } else if (layout->is_apart) {
      pixel[plane] = high_byte(layout, row, x);
    } else {
      uint8_t last = layout->samples > 3 ? high_byte(layout, row, first + 3) : 255;
      for (size_t color = 0; color < 3; color++) {
        uint8_t value = high_byte(layout, row, first + color);
        if (layout->colors == 4) value = fst_under_key(value, last);
        pixel[color] = layout->is_premultiplied ? divided(value, last) : value;
      }
    }
  }
}

void fst_tiff_turn(const fst_tiff_layout *layout, const uint8_t *stored, uint8_t *pixels) {
  uint32_t width = layout->stored.width, height = layout->stored.height;
  uint16_t orientation = layout->orientation;
  int is_exchanged = orientation >= 5;
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      int mirrors_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      int mirrors_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      size_t column = mirrors_x ? width - 1 - x : x;
      size_t line = mirrors_y ? height - 1 - y : y;
      size_t place = is_exchanged ? column * height + line : line * width + column;
      memcpy(pixels + place * 3, stored + ((size_t)y * width + x) * 3, 3);
    }
  }
}

#endif
