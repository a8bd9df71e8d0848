#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <system_error>

#include "contents/structure.hpp"
#include "contents/unsupported.hpp"
#include "copy/bridge.hpp"
#include "copy/references.hpp"
#include "core/durable.hpp"
#include "core/holders.hpp"
#include "h5/bounded_file.hpp"
#include "h5/links.hpp"
#include "h5/types.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "vfd/journal.hpp"

namespace mth5 {

namespace fs = std::filesystem;

namespace {

constexpr hsize_t kBlockBytes = 8u << 20;                                 ///< of a channel, at a time
constexpr std::size_t kMostWhole = 1u << 30;                              ///< bytes of a dataset that is no channel: read whole
constexpr std::size_t kMostAttribute = 64u << 20;                         ///< bytes of an attribute
constexpr std::size_t kMostObjects = 1'000'000;                           ///< a damaged group must not fill the memory
constexpr std::size_t kMostNameBytes = std::size_t{256} << 20;            ///< of the links of a group
constexpr hsize_t kLeastPackedChunk = 10'000, kMostPackedChunk = 65'536;  ///< samples
constexpr hsize_t kSummaryChunk = 64, kLeastChunk = 1024, kMostChunkBytes = 1u << 20;

/// An exception must not pass through C.
herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* out) noexcept try {
  static_cast<std::vector<std::string>*>(out)->emplace_back(name);
  return 0;
} catch (const std::bad_alloc&) {
  return -1;
}

/// …/Stations/STATION/RUN/CHANNEL
bool is_channel_path(const std::string& path) {
  const auto at = path.find("/Stations/");
  return at != std::string::npos && std::count(path.begin() + static_cast<std::ptrdiff_t>(at), path.end(), '/') == 4;
}

class Copier {
 public:
  /// @param gzip  0: to be appended to
  Copier(hid_t source, hid_t target, std::string name, int gzip, const copy::Bridges& bridges,
         const std::function<void(std::int64_t, std::int64_t)>& progress, const std::function<void(const std::string&)>& visiting,
         std::int64_t total_bytes)
      : source_{source},
        target_{target},
        name_{std::move(name)},
        gzip_{gzip},
        bridges_{bridges},
        progress_{progress},
        visiting_{visiting},
        total_bytes_{total_bytes} {}

  void run() {
    const h5::ReadLimit limit{kMostWhole};
    const h5::Group from{H5Gopen2(source_, "/", H5P_DEFAULT), name_};
    const h5::Group to{H5Gopen2(target_, "/", H5P_DEFAULT), name_};
    seen_.emplace(address_of(from.get(), "."), "/");
    copy_attributes(from.get(), to.get(), "/");
    copy_members(from.get(), to.get(), "");
    // Everything is there now: references have something to refer to.
    for (const auto& path : with_references_) {
      visit(path);
      rewrite_dataset(path);
    }
    for (const auto& [path, attribute] : attributes_with_references_) {
      visit(path);
      rewrite_attribute(path, attribute);
    }
    if (!bridges_.chains().empty()) {
      visit("the runs that are joined");
      finish_bridges();
    }
    visit("the end of its copy");
    if (unpacked_ > 0)
      counts_.notes.push_back(std::to_string(unpacked_) + " channels were compressed or of a fixed size and no longer are");
    if (counts_.dangling > 0)
      counts_.notes.push_back(std::to_string(counts_.dangling) + " references led nowhere in the source and are null");
  }

  /// The samples of both, from the copy as it is read when it was closed. @throws FileError if they differ
  void compare_with(hid_t copy) {
    for (const auto& path : channels_) {
      visit(path);
      const h5::Dataset ours{H5Dopen2(copy, path.c_str(), H5P_DEFAULT), at(path)};
      const h5::Dataset theirs{H5Dopen2(source_, path.c_str(), H5P_DEFAULT), at(path)};
      const auto parts = parts_of(path, theirs.get());
      const auto& last = parts.back();
      if (n_samples_of(ours.get(), path) != last.first + last.n_samples)
        throw FileError{at(path) + ": the copy has another length"};
      for (const auto& part : parts) compare_samples(part, ours.get(), path);
    }
  }

  [[nodiscard]] CopyReport report() { return std::move(counts_); }

 private:
  void visit(const std::string& object) const {
    if (visiting_) visiting_(object);
  }

  [[nodiscard]] std::string at(const std::string& path) const { return name_ + ": " + path; }

  [[nodiscard]] haddr_t address_of(hid_t parent, const std::string& name) const {
    H5O_info_t info{};
    h5::check(H5Oget_info_by_name2(parent, name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT), at(name));
    return info.addr;
  }

  void copy_members(hid_t from, hid_t to, const std::string& path) {
    const auto links = h5::links_of(from, kMostObjects, kMostNameBytes, at(path));
    if (links.cut || seen_.size() > kMostObjects)
      throw FormatError{at(path) + ": more than " + std::to_string(kMostObjects) + " objects: damaged"};
    for (const auto& link : links.all) copy_link(from, to, link, path + "/" + link.name);
  }

  void copy_link(hid_t from, hid_t to, const h5::Link& link, const std::string& path) {
    const char* name = link.name.c_str();
    visit(path);
    if (link.type != H5L_TYPE_HARD) return copy_soft(from, to, link, path);
    const auto [known, is_new] = seen_.emplace(address_of(from, link.name), path);
    if (!is_new) {
      h5::check(H5Lcreate_hard(target_, known->second.c_str(), to, name, H5P_DEFAULT, H5P_DEFAULT), at(path));
      return;
    }
    const h5::Object object{H5Oopen(from, name, H5P_DEFAULT), at(path)};
    switch (H5Iget_type(object.get())) {
      case H5I_GROUP: {
        if (const auto* chain = bridges_.chain_of(path); chain != nullptr && chain->parts.front().path != path)
          return leave_to(*chain, object.get(), path);
        const h5::Group copy{H5Gcreate2(to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), at(path)};
        ++counts_.groups;
        copy_attributes(object.get(), copy.get(), path);
        copy_members(object.get(), copy.get(), path);
        return;
      }
      case H5I_DATASET:
        return copy_dataset(object.get(), to, link.name, path);
      case H5I_DATATYPE: {
        const h5::Datatype copy{H5Tcopy(object.get()), at(path)};
        h5::check(H5Tcommit2(to, name, copy.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), at(path));
        return copy_attributes(object.get(), copy.get(), path);
      }
      default:
        throw FormatError{at(path) + ": is neither group, dataset nor type"};
    }
  }

  /// A run that is a part of another one in the copy: what refers to it refers to that one.
  void leave_to(const copy::Chain& chain, hid_t run, const std::string& path) {
    const auto& head = chain.parts.front().path;
    seen_[address_of(run, ".")] = head;
    const auto links = h5::links_of(run, kMostObjects, kMostNameBytes, at(path));
    for (const auto& link : links.all) {
      if (std::find(chain.components.begin(), chain.components.end(), link.name) == chain.components.end())
        throw StateError{at(path) + ": holds '" + link.name + "', which is no channel: the run cannot be joined to another"};
      seen_[address_of(run, link.name)] = head + "/" + link.name;
    }
  }

  void copy_soft(hid_t from, hid_t to, const h5::Link& link, const std::string& path) {
    const char* name = link.name.c_str();
    H5L_info_t info{};
    h5::check(H5Lget_info(from, name, &info, H5P_DEFAULT), at(path));
    std::vector<char> value(info.u.val_size + 1);
    h5::check(H5Lget_val(from, name, value.data(), info.u.val_size, H5P_DEFAULT), at(path));
    if (link.type == H5L_TYPE_SOFT) {
      h5::check(H5Lcreate_soft(value.data(), to, name, H5P_DEFAULT, H5P_DEFAULT), at(path));
      return;
    }
    if (link.type != H5L_TYPE_EXTERNAL) throw FormatError{at(path) + ": a link of an unknown kind"};
    const char *file = nullptr, *object = nullptr;
    unsigned flags = 0;
    h5::check(H5Lunpack_elink_val(value.data(), info.u.val_size, &flags, &file, &object), at(path));
    h5::check(H5Lcreate_external(file, object, to, name, H5P_DEFAULT, H5P_DEFAULT), at(path));
  }

  /// Type of an element in memory and in both files: committed types become plain ones.
  [[nodiscard]] static h5::Datatype plain_type(hid_t type, const std::string& name) { return {H5Tcopy(type), name}; }

  void copy_attributes(hid_t from, hid_t to, const std::string& path) {
    const h5::ReadLimit limit{kMostAttribute};
    std::vector<std::string> names;
    hsize_t index = 0;
    // HDF5 1.10 first lists them all, and crashes where it cannot read one. To look for a name that is not there it reads all of
    // few; many it reads one by one in the order in which they are found.
    h5::check(H5Aexists(from, "\x01"), at(path));
    h5::check(H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_NATIVE, &index, collect_attribute, &names), at(path));
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      const std::string what = at(path) + "." + name;
      const h5::Attribute attribute{H5Aopen(from, name.c_str(), H5P_DEFAULT), what};
      const h5::Datatype own{H5Aget_type(attribute.get()), what};
      const h5::Datatype type = plain_type(own.get(), what);
      const h5::Space space{H5Aget_space(attribute.get()), what};
      const h5::Attribute copy{H5Acreate2(to, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), what};
      ++counts_.attributes;
      const hssize_t count = H5Sget_simple_extent_npoints(space.get());
      if (count == 0) continue;  // of no elements, or of no dataspace: that is all there is to it
      if (copy::References{type.get(), what}.any()) {
        attributes_with_references_.emplace_back(path, name);
        continue;
      }
      auto bytes = whole_buffer(count, type, kMostAttribute, what);
      h5::check(H5Aread(attribute.get(), type.get(), bytes.data()), what);
      h5::check(H5Awrite(copy.get(), type.get(), bytes.data()), what);
      reclaim(type, space, bytes, what);
    }
  }

  [[nodiscard]] static std::vector<char> whole_buffer(hssize_t count, const h5::Datatype& type, std::size_t most,
                                                      const std::string& what) {
    const std::size_t size = H5Tget_size(type.get());
    if (count < 0 || size == 0 || static_cast<std::size_t>(count) > most / size)
      throw FormatError{what + ": claims " + std::to_string(count) + " elements of " + std::to_string(size) +
                        " bytes: damaged, or too large to be copied whole (at most " + std::to_string(most >> 20) + " MiB)"};
    return std::vector<char>(static_cast<std::size_t>(count) * size);
  }

  static void reclaim(const h5::Datatype& type, const h5::Space& space, std::vector<char>& bytes, const std::string& what) {
    if (h5::check(H5Tdetect_class(type.get(), H5T_VLEN), what) > 0 ||
        h5::check(H5Tdetect_class(type.get(), H5T_STRING), what) > 0)
      h5::check(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, bytes.data()), what);
  }

  void copy_dataset(hid_t from, hid_t to, const std::string& name, const std::string& path) {
    const h5::Datatype own{H5Dget_type(from), at(path)};
    const h5::Datatype type = plain_type(own.get(), at(path));
    const h5::Space space{H5Dget_space(from), at(path)};
    const bool is_list = H5Sget_simple_extent_ndims(space.get()) == 1;
    const H5T_class_t kind = H5Tget_class(type.get());
    const bool channel = is_list && is_channel_path(path) && (kind == H5T_INTEGER || kind == H5T_FLOAT);
    const bool summary = is_list && (path == "/Experiment/channel_summary" || path == "/Survey/channel_summary");
    h5::PropertyList create{H5Dget_create_plist(from), at(path)};
    const std::size_t size = H5Tget_size(type.get());
    if (const auto filter = contents::missing_filter(from)) throw UnsupportedError{at(path) + ": " + *filter};
    h5::require_bounded_chunks(from, at(path));
    if (channel && gzip_ > 0)
      make_packed(create, size, path);
    else if (channel || summary)
      make_appendable(create, size, summary ? kSummaryChunk : 0, path);
    hsize_t count = static_cast<hsize_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get())));
    std::vector<SourcePart> parts;
    if (channel) {
      parts = parts_of(path, from);
      count = static_cast<hsize_t>(parts.back().first + parts.back().n_samples);
    }
    const hsize_t unlimited = H5S_UNLIMITED;
    const h5::Space grown = channel || summary ? h5::Space{H5Screate_simple(1, &count, &unlimited), at(path)}
                                               : h5::Space{H5Scopy(space.get()), at(path)};
    const h5::Dataset copy{H5Dcreate2(to, name.c_str(), type.get(), grown.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT),
                           at(path)};
    ++counts_.datasets;
    copy_attributes(from, copy.get(), path);
    if (channel) {
      channels_.push_back(path);
      for (const auto& part : parts) copy_samples(part, copy.get(), type, path);
      for (std::size_t i = 1; i < parts.size(); ++i) interpolate(parts[i - 1], parts[i], copy.get(), kind, path);
    } else if (count > 0 && copy::References{type.get(), at(path)}.any()) {
      with_references_.push_back(path);
    } else if (count > 0) {
      auto bytes = whole_buffer(static_cast<hssize_t>(count), type, kMostWhole, at(path));
      h5::check(H5Dread(from, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), at(path));
      h5::check(H5Dwrite(copy.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), at(path));
      reclaim(type, space, bytes, at(path));
    }
  }

  void make_appendable(const h5::PropertyList& create, std::size_t element_bytes, hsize_t chunk, const std::string& path) {
    const bool chunked = H5Pget_layout(create.get()) == H5D_CHUNKED;
    const bool packed = chunked && H5Pget_nfilters(create.get()) > 0;
    if (chunk == 0) {
      if (packed || !chunked) ++unpacked_;
      if (chunked) h5::check(H5Pget_chunk(create.get(), 1, &chunk), at(path));
      chunk = std::clamp<hsize_t>(chunk, kLeastChunk, std::max<hsize_t>(kLeastChunk, kMostChunkBytes / element_bytes));
    }
    if (packed) h5::check(H5Premove_filter(create.get(), H5Z_FILTER_ALL), at(path));
    h5::check(H5Pset_chunk(create.get(), 1, &chunk), at(path));
    h5::check(H5Pset_fill_time(create.get(), H5D_FILL_TIME_NEVER), at(path));
  }

  void make_packed(const h5::PropertyList& create, std::size_t element_bytes, const std::string& path) const {
    const bool chunked = H5Pget_layout(create.get()) == H5D_CHUNKED;
    hsize_t chunk = kLeastPackedChunk;
    if (chunked) h5::check(H5Pget_chunk(create.get(), 1, &chunk), at(path));
    chunk = std::clamp(chunk, kLeastPackedChunk, std::min(kMostPackedChunk, kMostChunkBytes / element_bytes));
    if (chunked && H5Pget_nfilters(create.get()) > 0) h5::check(H5Premove_filter(create.get(), H5Z_FILTER_ALL), at(path));
    h5::check(H5Pset_chunk(create.get(), 1, &chunk), at(path));
    h5::check(H5Pset_shuffle(create.get()), at(path));
    h5::check(H5Pset_deflate(create.get(), static_cast<unsigned>(gzip_)), at(path));
  }

  /// Samples of one dataset of the source, and where they begin in that of the copy.
  struct SourcePart {
    std::string path;     ///< of the dataset; "" = that of the copy's name
    h5::Dataset dataset;  ///< of a part that has another name
    hid_t from;
    std::int64_t first, n_samples;
  };

  [[nodiscard]] std::int64_t n_samples_of(hid_t dataset, const std::string& path) const {
    const h5::Space space{H5Dget_space(dataset), at(path)};
    return std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.get()));
  }

  /// What a channel of the copy consists of, in order: one dataset, or those of the runs that are joined.
  /// @param from  the dataset of its name in the source
  [[nodiscard]] std::vector<SourcePart> parts_of(const std::string& path, hid_t from) const {
    std::vector<SourcePart> parts;
    const auto cut = path.rfind('/');
    const auto* chain = bridges_.chain_of(path.substr(0, cut));
    if (chain == nullptr) {
      parts.push_back({path, {}, from, 0, n_samples_of(from, path)});
      return parts;
    }
    for (const auto& part : chain->parts) {
      const std::string name = part.path + path.substr(cut);
      h5::Dataset dataset{H5Dopen2(source_, name.c_str(), H5P_DEFAULT), at(name)};
      const hid_t id = dataset.get();
      parts.push_back({name, std::move(dataset), id, part.first, part.n_samples});
    }
    return parts;
  }

  void copy_samples(const SourcePart& part, hid_t to, const h5::Datatype& type, const std::string& path) {
    std::vector<char> samples;
    in_blocks(type, part.n_samples, [&](std::int64_t start, std::int64_t count, std::size_t bytes) {
      samples.resize(bytes);
      const h5::Space memory = list_of(count, path);
      const h5::Space source = selected(part.from, start, count, part.path);
      const h5::Space target = selected(to, part.first + start, count, path);
      h5::check(H5Dread(part.from, type.get(), memory.get(), source.get(), H5P_DEFAULT, samples.data()), at(part.path));
      h5::check(H5Dwrite(to, type.get(), memory.get(), target.get(), H5P_DEFAULT, samples.data()), at(path));
    });
  }

  void compare_samples(const SourcePart& part, hid_t copy, const std::string& path) {
    const h5::Datatype own{H5Dget_type(part.from), at(part.path)};
    const h5::Datatype type = plain_type(own.get(), at(part.path));
    std::vector<char> ours, theirs;
    in_blocks(type, part.n_samples, [&](std::int64_t start, std::int64_t count, std::size_t bytes) {
      ours.resize(bytes);
      theirs.resize(bytes);
      const h5::Space memory = list_of(count, path);
      const h5::Space source = selected(part.from, start, count, part.path);
      const h5::Space target = selected(copy, part.first + start, count, path);
      h5::check(H5Dread(part.from, type.get(), memory.get(), source.get(), H5P_DEFAULT, theirs.data()), at(part.path));
      h5::check(H5Dread(copy, type.get(), memory.get(), target.get(), H5P_DEFAULT, ours.data()), at(path));
      if (ours != theirs)
        throw FileError{at(path) + ": the copy has other samples from " + std::to_string(part.first + start) + " on"};
    });
    counts_.samples += part.n_samples;
  }

  /// One sample of a dataset; nullopt where it is not known.
  [[nodiscard]] std::optional<double> known_sample(hid_t dataset, std::int64_t index, const std::optional<double>& fill,
                                                   const std::string& path) const {
    double value = 0;
    const h5::Space memory = list_of(1, path);
    const h5::Space where = selected(dataset, index, 1, path);
    h5::check(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory.get(), where.get(), H5P_DEFAULT, &value), at(path));
    return std::isnan(value) || value == fill ? std::nullopt : std::optional{value};
  }

  /// Makes up the samples between two parts.
  void interpolate(const SourcePart& before, const SourcePart& part, hid_t to, H5T_class_t kind, const std::string& path) {
    const std::int64_t first = before.first + before.n_samples, count = part.first - first;
    if (count == 0) return;
    const auto fill = contents::fill_value(before.from, at(before.path));
    const auto left = known_sample(before.from, before.n_samples - 1, fill, before.path);
    const auto right = known_sample(part.from, 0, fill, part.path);
    std::vector<double> samples(static_cast<std::size_t>(count), fill.value_or(std::numeric_limits<double>::quiet_NaN()));
    if (left && right) {
      for (std::int64_t i = 0; i < count; ++i) {
        const double along = static_cast<double>(i + 1) / static_cast<double>(count + 1);
        const double value = std::lerp(*left, *right, along);
        samples[static_cast<std::size_t>(i)] = kind == H5T_INTEGER ? std::nearbyint(value) : value;
      }
    } else {
      not_interpolated_.insert(part.path.substr(0, part.path.rfind('/')));
    }
    const h5::Space memory = list_of(count, path);
    const h5::Space where = selected(to, first, count, path);
    h5::check(H5Dwrite(to, H5T_NATIVE_DOUBLE, memory.get(), where.get(), H5P_DEFAULT, samples.data()), at(path));
  }

  void finish_bridges() {
    for (const auto& chain : bridges_.chains())
      for (std::size_t i = 1; i < chain.parts.size(); ++i) {
        const auto& before = chain.parts[i - 1];
        const auto& part = chain.parts[i];
        const std::int64_t first = before.first + before.n_samples;
        counts_.bridges.push_back({chain.station, chain.parts.front().id, part.id, first, part.first - first,
                                   not_interpolated_.count(part.path) == 0, part.offset_s});
      }
    bridges_.write_to(target_, counts_.bridges);
  }

  [[nodiscard]] h5::Space list_of(std::int64_t count, const std::string& path) const {
    const auto n = static_cast<hsize_t>(count);
    return {H5Screate_simple(1, &n, nullptr), at(path)};
  }
  /// The dataspace of a list, with `count` elements of it selected.
  [[nodiscard]] h5::Space selected(hid_t dataset, std::int64_t first, std::int64_t count, const std::string& path) const {
    h5::Space space{H5Dget_space(dataset), at(path)};
    const auto start = static_cast<hsize_t>(first), n = static_cast<hsize_t>(count);
    h5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &n, nullptr), at(path));
    return space;
  }

  /// Calls use(first sample, samples, bytes) for one block of a channel after the other.
  template <class Use>
  void in_blocks(const h5::Datatype& type, std::int64_t total, const Use& use) {
    const std::size_t size = H5Tget_size(type.get());
    const auto block = static_cast<std::int64_t>(std::max<hsize_t>(1, kBlockBytes / size));
    for (std::int64_t start = 0; start < total; start += block) {
      const std::int64_t count = std::min(block, total - start);
      use(start, count, static_cast<std::size_t>(count) * size);
      done_bytes_ += count * static_cast<std::int64_t>(size);
      if (progress_) progress_(done_bytes_, total_bytes_);
    }
  }

  void rewrite_dataset(const std::string& path) {
    const h5::Dataset from{H5Dopen2(source_, path.c_str(), H5P_DEFAULT), at(path)};
    const h5::Dataset to{H5Dopen2(target_, path.c_str(), H5P_DEFAULT), at(path)};
    const h5::Datatype own{H5Dget_type(from.get()), at(path)};
    const h5::Datatype type = plain_type(own.get(), at(path));
    const h5::Space space{H5Dget_space(from.get()), at(path)};
    auto bytes = whole_buffer(H5Sget_simple_extent_npoints(space.get()), type, kMostWhole, at(path));
    h5::check(H5Dread(from.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), at(path));
    copy::References{type.get(), at(path)}.translate(source_, seen_, target_, bytes.data(),
                                                     bytes.size() / H5Tget_size(type.get()), counts_);
    h5::check(H5Dwrite(to.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), at(path));
    reclaim(type, space, bytes, at(path));
  }

  void rewrite_attribute(const std::string& path, const std::string& name) {
    const std::string what = at(path) + "." + name;
    const h5::Object source{H5Oopen(source_, path.c_str(), H5P_DEFAULT), what};
    const h5::Object target{H5Oopen(target_, path.c_str(), H5P_DEFAULT), what};
    const h5::Attribute from{H5Aopen(source.get(), name.c_str(), H5P_DEFAULT), what};
    const h5::Attribute to{H5Aopen(target.get(), name.c_str(), H5P_DEFAULT), what};
    const h5::Datatype own{H5Aget_type(from.get()), what};
    const h5::Datatype type = plain_type(own.get(), what);
    const h5::Space space{H5Aget_space(from.get()), what};
    auto bytes = whole_buffer(H5Sget_simple_extent_npoints(space.get()), type, kMostAttribute, what);
    h5::check(H5Aread(from.get(), type.get(), bytes.data()), what);
    copy::References{type.get(), what}.translate(source_, seen_, target_, bytes.data(), bytes.size() / H5Tget_size(type.get()),
                                                 counts_);
    h5::check(H5Awrite(to.get(), type.get(), bytes.data()), what);
    reclaim(type, space, bytes, what);
  }

  hid_t source_, target_;
  std::string name_;
  int gzip_;
  const copy::Bridges& bridges_;
  const std::function<void(std::int64_t, std::int64_t)>& progress_;
  const std::function<void(const std::string&)>& visiting_;
  std::int64_t total_bytes_, done_bytes_ = 0;
  copy::Addresses seen_;
  std::vector<std::string> with_references_;
  std::vector<std::pair<std::string, std::string>> attributes_with_references_;
  std::vector<std::string> channels_;
  std::set<std::string> not_interpolated_;  ///< runs of the source before which not all channels were
  std::int64_t unpacked_ = 0;
  CopyReport counts_;
};

/// Held by who makes a copy as long as he lives. Of another kind than HDF5's own locks, which it leaves alone.
bool lock(int fd, short type) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

/// Removes a copy that was not finished: it has never had its name.
class Part {
 public:
  explicit Part(fs::path path) : path_{std::move(path)}, fd_{::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)} {
    if (!fd_) throw FileError{path_.string() + ": cannot be created: " + std::generic_category().message(errno)};
    (void)lock(fd_.get(), F_WRLCK);  // where a file system has none, what is left stays
  }
  ~Part() {
    if (!kept_) ::unlink(path_.c_str());
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  void keep_as(const fs::path& name, bool read_only) {
    // Without a record: nothing is to be replayed. What nobody appends to needs none, and no megabyte for it.
    if (!read_only) (void)vfd::Journal::create(fd_.get(), path_, vfd::kLeastUserBlock);
    if (read_only && ::fchmod(fd_.get(), 0444) != 0)
      throw FileError{path_.string() + ": cannot be made read-only: " + std::generic_category().message(errno)};
    core::sync_data(fd_.get(), path_);
    if (!core::rename_new(path_, name))
      throw FileError{name.string() + ": exists already and is never overwritten; choose another name"};
    kept_ = true;
    core::sync_directory(name.parent_path());
  }

 private:
  fs::path path_;
  Descriptor fd_;
  bool kept_ = false;
};

/// Copies whose processes have died.
void remove_unfinished(const fs::path& to) {
  const auto front = "." + to.filename().string() + ".";
  std::error_code error;
  fs::directory_iterator entries{to.parent_path().empty() ? fs::path{"."} : to.parent_path(), error};
  for (; !error && entries != fs::directory_iterator{}; entries.increment(error)) {
    const auto name = entries->path().filename().string();
    if (!name.starts_with(front) || !name.ends_with(".part") || entries->symlink_status(error).type() != fs::file_type::regular)
      continue;
    // For reading: who died before it had its name may have made it read-only already.
    const Descriptor fd{::open(entries->path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (fd && lock(fd.get(), F_RDLCK)) ::unlink(entries->path().c_str());
  }
}

CopyReport copy_file(const fs::path& from, const fs::path& to, int gzip,
                     const std::function<void(std::int64_t, std::int64_t)>& progress,
                     const std::function<void(const std::string&)>& visiting, std::optional<Nanos> bridge = {}) {
  h5::initialise();
  const Probe state = probe(from);
  if (state.state == FileState::Live) {
    const auto holders = core::writers_of(from);
    throw BusyError{from.string() + ": is open for writing" + core::in_words(holders) +
                        ", or its writer died; a file that died is recovered first: mth5-recover FILE",
                    holders.writers.empty() ? 0 : holders.writers.front().pid};
  }
  if (fs::exists(fs::symlink_status(to)))
    throw FileError{to.string() + ": exists already and is never overwritten; choose another name"};
  std::int64_t total = 0;
  copy::Bridges bridges;
  {
    const Reader reader{from, {.visiting = visiting}};  // is it MTH5 at all; gone before the file is opened again
    for (std::size_t i = 0; i < reader.channels().size(); ++i)
      total += reader.channels()[i].n_samples * static_cast<std::int64_t>(sample_bytes(reader.sample_type(i)));
    if (bridge) bridges = copy::Bridges{reader, *bridge};
  }
  remove_unfinished(to);
  Part part{unfinished_copy(to, getpid())};
  const h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "file access list"};
  h5::use_bounded_file(access);
  h5::check(H5Pset_file_locking(access.get(), false, true), "file access list: locking");
  h5::File source{H5Fopen(from.c_str(), H5F_ACC_RDONLY, access.get()), from.string()};
  const h5::PropertyList layout{H5Pcreate(H5P_FILE_CREATE), "file creation list"};
  if (gzip == 0) h5::check(H5Pset_userblock(layout.get(), vfd::kLeastUserBlock), "file creation list: user block");
  h5::File target{H5Fcreate(part.path().c_str(), H5F_ACC_TRUNC, layout.get(), h5::writer_access().get()), to.string()};
  Copier copier{source.get(), target.get(), from.string(), gzip, bridges, progress, visiting, 2 * total};  // copied, and compared
  try {
    copier.run();
  } catch (const FileError& e) {
    if (const auto newer = contents::unsupported(e.what(), state.superblock_version))
      throw UnsupportedError{from.string() + ": " + *newer};
    throw;
  }
  target.close(to.string());
  {
    const h5::File copy{H5Fopen(part.path().c_str(), H5F_ACC_RDONLY, access.get()), part.path().string()};
    copier.compare_with(copy.get());
  }
  source.close(from.string());
  part.keep_as(to, gzip > 0);
  auto report = copier.report();
  report.notes.insert(report.notes.end(), bridges.notes().begin(), bridges.notes().end());
  return report;
}

}  // namespace

fs::path unfinished_copy(const fs::path& to, std::int64_t pid) {
  return to.parent_path() / ("." + to.filename().string() + "." + std::to_string(pid) + ".part");
}

CopyReport copy_for_swmr(const fs::path& from, const fs::path& to,
                         const std::function<void(std::int64_t, std::int64_t)>& progress,
                         const std::function<void(const std::string&)>& visiting) {
  return copy_file(from, to, 0, progress, visiting);
}

CopyReport copy_for_archive(const fs::path& from, const fs::path& to, int gzip,
                            const std::function<void(std::int64_t, std::int64_t)>& progress,
                            const std::function<void(const std::string&)>& visiting,
                            std::optional<std::chrono::nanoseconds> bridge) {
  if (gzip < 1 || gzip > 9) throw StateError{"copy_for_archive: gzip " + std::to_string(gzip) + " is out of range (1 to 9)"};
  return copy_file(from, to, gzip, progress, visiting, bridge);
}

}  // namespace mth5
