int fst_image_placeholder(void);
