#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image_shim.h"
#include "shim_error.h"

// A scan costs time for all blocks even where it holds nothing. Cameras and encoders write 10 or so.
#define MAX_SCANS 100
// Blocks of 8x8 coefficients that are kept while scans refine them: 128 bytes each, 150 MB in all.
#define MAX_KEPT_BLOCKS (150u << 13)
// Scans x blocks: about 2 s.
#define MAX_SCANNED_BLOCKS (48u << 20)

// libjpeg's managers with what their callbacks need; each comes first so that one casts to both.
typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  fst_picture *picture;
} jpeg_errors;

typedef struct {
  struct jpeg_progress_mgr base;
  uint64_t blocks;
} jpeg_watch;

static void fail(j_common_ptr common, const char *reason) {
  jpeg_errors *errors = (jpeg_errors *)common->err;
  (void)fst_refuse(errors->picture, "%s", reason);
  longjmp(errors->jump, 1);
}

static void on_error(j_common_ptr common) {
  char message[JMSG_LENGTH_MAX];
  common->err->format_message(common, message);
  fail(common, message);
}

// A file that ends early is an error; other warnings leave an image that decoders agree on.
static void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  if (common->err->msg_code == JWRN_JPEG_EOF) fail(common, "the file is truncated");
  ((jpeg_errors *)common->err)->picture->warnings++;
}

static void on_output(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
  uint64_t scans = (uint64_t)((j_decompress_ptr)common)->input_scan_number;
  if (scans > MAX_SCANS) fail(common, "it has more than 100 scans");
  if (scans * ((jpeg_watch *)common->progress)->blocks > MAX_SCANNED_BLOCKS) {
    fail(common, "it has too many scans for its size");
  }
}

static uint64_t block_count(const struct jpeg_decompress_struct *jpeg) {
  uint64_t count = 0;
  for (int index = 0; index < jpeg->num_components; index++) {
    const jpeg_component_info *component = &jpeg->comp_info[index];
    count += (uint64_t)component->width_in_blocks * component->height_in_blocks;
  }
  return count;
}

// One row in place: four inks of a pixel, which Adobe's programs and so all others store inverted.
static void write_inks(const uint8_t *inks, uint8_t *pixels, uint32_t width) {
  for (uint32_t x = 0; x < width; x++, inks += 4, pixels += 3) {
    for (int ink = 0; ink < 3; ink++) pixels[ink] = fst_under_key(255 - inks[ink], 255 - inks[3]);
  }
}

static void read_rows(struct jpeg_decompress_struct *jpeg, uint8_t *pixels) {
  size_t row = (size_t)jpeg->output_width * 3;
  JSAMPARRAY inks = NULL;
  if (jpeg->output_components == 4) {
    // libjpeg's own pool, which a long jump does not lose.
    inks = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW line = pixels + row * jpeg->output_scanline;
    if (!inks) {
      (void)jpeg_read_scanlines(jpeg, &line, 1);
    } else if (jpeg_read_scanlines(jpeg, inks, 1) == 1) {
      write_inks(inks[0], line, jpeg->output_width);
    }
  }
}

// The steps that libjpeg may leave by a long jump.
static int read_steps(struct jpeg_decompress_struct *jpeg, jpeg_errors *errors, jpeg_watch *watch,
                      uint8_t *pixels) {
  if (setjmp(errors->jump)) return -1;
  fst_picture *picture = errors->picture;
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, picture->bytes, (unsigned long)picture->count);
  (void)jpeg_read_header(jpeg, TRUE);
  fst_image_size size = {jpeg->image_width, jpeg->image_height};
  if (!pixels) {
    picture->size = size;
    return 0;
  }
  if (size.width != picture->size.width || size.height != picture->size.height) {
    return fst_refuse(picture, "the size changes");
  }
  int inks = jpeg->num_components == 4;
  if (jpeg->num_components != 1 && jpeg->num_components != 3 && !inks) {
    return fst_refuse(picture, "expected 1, 3 or 4 components, found %d", jpeg->num_components);
  }
  watch->blocks = block_count(jpeg);
  if (jpeg_has_multiple_scans(jpeg) && watch->blocks > MAX_KEPT_BLOCKS) {
    return fst_refuse(picture, "%u x %u pixels in several scans are more than is read at once",
                      size.width, size.height);
  }
  watch->base.progress_monitor = on_progress;
  jpeg->progress = &watch->base;
  jpeg->out_color_space = inks ? JCS_CMYK : JCS_RGB;
  (void)jpeg_start_decompress(jpeg);
  if (jpeg->output_components != (inks ? 4 : 3) || jpeg->output_width != size.width) {
    return fst_refuse(picture, "the pixel format is not supported");
  }
  read_rows(jpeg, pixels);
  (void)jpeg_finish_decompress(jpeg);
  return 0;
}

int fst_jpeg_read(fst_picture *picture, uint8_t *pixels) {
  struct jpeg_decompress_struct jpeg;
  jpeg_errors errors = {.picture = picture};
  jpeg_watch watch;
  memset(&jpeg, 0, sizeof jpeg);
  memset(&watch, 0, sizeof watch);
  jpeg.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = on_error;
  errors.base.emit_message = on_message;
  errors.base.output_message = on_output;
  int status = read_steps(&jpeg, &errors, &watch, pixels);
  jpeg_destroy_decompress(&jpeg);
  return status;
}
