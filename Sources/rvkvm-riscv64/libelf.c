// What Debian's static libelf (elfutils 0.19x) asks for and no static library of Debian's has.
#define _GNU_SOURCE
#include <search.h>
#include <stdlib.h>

// elfutils' own wrappers of tsearch(3), in its libeu, which isn't packaged. The root comes first in its struct;
// the lock behind it guards a tree that several threads use, and we read one file on one thread.
typedef struct { void *root; } search_tree;
typedef int comparison(const void *, const void *);

void eu_search_tree_init(search_tree *tree) { tree->root = NULL; }
void eu_search_tree_fini(search_tree *tree, void (*release)(void *)) { tdestroy(tree->root, release); }
void *eu_tsearch(const void *key, search_tree *tree, comparison *compare) { return tsearch(key, &tree->root, compare); }
void *eu_tfind(const void *key, search_tree *tree, comparison *compare) { return tfind(key, &tree->root, compare); }
void *eu_tdelete(const void *key, search_tree *tree, comparison *compare) { return tdelete(key, &tree->root, compare); }

// The archive's packages are compiled against a younger glibc than Debian 12's cross package. These differ from
// strtol and strtoul in reading 0b1 as well.
__attribute__((weak)) long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
__attribute__((weak)) unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
