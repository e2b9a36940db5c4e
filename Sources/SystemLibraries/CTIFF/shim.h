// Optional: where the library's headers are missing, the program is built without TIFF.
#if __has_include(<tiffio.h>)
#include <tiffio.h>
#endif
