#include "h5/links.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace mth5::h5 {

namespace {

struct Collecting {
  Links found;
  std::size_t most, most_bytes;
  bool no_memory = false;
};

/// H5Literate callback: an exception must not pass through C.
herr_t collect(hid_t, const char* name, const H5L_info_t* info, void* out) noexcept try {
  auto& to = *static_cast<Collecting*>(out);
  const std::size_t bytes = std::strlen(name);
  to.found.cut = to.found.all.size() >= to.most || bytes > to.most_bytes - to.found.n_bytes;
  if (to.found.cut) return 1;
  to.found.all.push_back({name, info->type});
  to.found.n_bytes += bytes;
  return 0;
} catch (const std::bad_alloc&) {
  static_cast<Collecting*>(out)->no_memory = true;
  return -1;
}

}  // namespace

Links links_of(hid_t group, std::size_t most, std::size_t most_bytes, std::string_view what) {
  Collecting to{{}, most, most_bytes};
  // Sorted by HDF5 1.10 they first fill a table, as long as the group's header or index says. Where one of them cannot be read,
  // or they are fewer by then, it frees and sorts entries that were never filled, and the process ends (H5G__dense_build_table).
  // In the order in which they lie, many links go by one at a time; few go through the table all the same, but to look for a
  // name that is not there reads all of them before.
  check(H5Lexists(group, "\x01", H5P_DEFAULT), what);
  const herr_t rc = H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect, &to);
  if (to.no_memory) throw std::bad_alloc{};
  check(rc, what);
  std::sort(to.found.all.begin(), to.found.all.end(), [](const Link& a, const Link& b) { return a.name < b.name; });
  return std::move(to.found);
}

}  // namespace mth5::h5
