#include <algorithm>
#include <type_traits>

#include "file/file_impl.hpp"
#include "mth5/file.hpp"

/// The public face of FileImpl.
namespace mth5 {

namespace fs = std::filesystem;

File::File(std::unique_ptr<FileImpl> impl) : impl_{std::move(impl)} {}
File::~File() = default;
File::File(File&&) noexcept = default;
File& File::operator=(File&&) noexcept = default;

FileImpl& File::impl() const {
  if (!impl_) throw StateError{"this File is no file any more: it was moved from; use the one it was moved to"};
  return *impl_;
}

File File::create(const fs::path& path, const CreateOptions& options) { return File{std::make_unique<FileImpl>(path, options)}; }

File File::open(const fs::path& path, std::string_view mode, const OpenOptions& options) {
  const auto refuse = [&](const std::string& why) {
    throw StateError{path.string() + ": mode '" + std::string{mode} + "': " + why};
  };
  if (mode == "r") refuse("is for reading; use mth5::Reader");
  if (mode == "w") refuse("would overwrite; 'x' creates a new file, 'a' goes on with one");
  if (mode != "a" && mode != "r+" && mode != "x") refuse("is none of a, r+, x");
  if (mode == "x" && options.swmr) refuse("cannot be SWMR; 'a' creates a file and goes live in one call");
  const bool exists = fs::exists(fs::symlink_status(path));
  if (!exists && mode == "r+") throw FileError{path.string() + ": does not exist; mode 'a' creates it"};
  const auto impl = [&] {
    if (exists && mode != "x") return std::make_unique<FileImpl>(path, options);
    return std::make_unique<FileImpl>(path, options.create);
  };
  File file{impl()};
  if (options.swmr) file.start_swmr();
  return file;
}

const fs::path& File::path() const { return impl().path(); }
bool File::is_swmr_mode() const { return impl().is_open() && impl().is_swmr(); }
bool File::h5_is_write() const { return impl().is_open(); }

void File::edit(const std::function<void(Edit&)>& change) {
  h5::initialise();
  Edit edit{impl()};
  impl().edit(edit, change);
}

void File::start_swmr() {
  h5::initialise();
  impl().start_swmr();
}

namespace {

template <class T>
hid_t memory_type() {
  if constexpr (std::same_as<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::same_as<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::same_as<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::same_as<T, std::int16_t>) return H5T_NATIVE_INT16;
}

/// What HDF5 has a type for; 24 bits become 32.
template <class T>
auto plain(T value) {
  if constexpr (std::same_as<T, Int24>) {
    const auto [low, middle, high] = value.bytes;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(low) << 8 | static_cast<std::uint32_t>(middle) << 16 |
                                     static_cast<std::uint32_t>(high) << 24) >>
           8;  // shifted down again, so that the sign is kept
  } else {
    return value;
  }
}
template <class T>
using Plain = decltype(plain(std::declval<T>()));

/// Sample i of channel c is data[c * channel_step + i * sample_step]: what a Matrix is, and frames.
template <class T>
struct Samples {
  const T* data;
  std::size_t n_channels, n_samples, channel_step, sample_step;
};

/// As HDF5 takes them: in their place where they are that already, or in `room`, channel after channel.
template <class T, class Room>
SampleBlock block_of(const Samples<T>& from, Room room) {
  using P = Plain<T>;
  const P* data = nullptr;
  std::size_t stride = from.channel_step;
  if constexpr (std::same_as<T, P>) {
    if (from.sample_step == 1) data = from.data;
  }
  if (data == nullptr) {
    P* const to = room(std::type_identity<P>{}, from.n_channels * from.n_samples);
    for (std::size_t c = 0; c < from.n_channels; ++c)
      for (std::size_t i = 0; i < from.n_samples; ++i)
        to[c * from.n_samples + i] = plain(from.data[c * from.channel_step + i * from.sample_step]);
    data = to;
    stride = from.n_samples;
  }
  bool has_data = false;
  for (std::size_t c = 0; c < from.n_channels && !has_data; ++c)
    has_data = std::any_of(data + c * stride, data + c * stride + from.n_samples, [](P v) { return v != P{}; });
  return {.memory_type = memory_type<P>(),
          .element_bytes = sizeof(P),
          .values = {reinterpret_cast<const char*>(data), from.n_channels, from.n_samples, stride},
          .has_data = has_data};
}

template <class T>
SampleBlock block_in_scratch(FileImpl& file, const Samples<T>& from) {
  return block_of(from, [&]<class P>(std::type_identity<P>, std::size_t n) { return file.scratch<P>(n); });
}

}  // namespace

template <Sample T>
void File::append(RunId run, Matrix<const T> samples, std::optional<UtcNanos> start) {
  impl().check_append(run, samples.n_channels, samples.n_samples, samples.stride, samples.data, start);
  const Samples<T> from{samples.data, samples.n_channels, samples.n_samples, samples.stride, 1};
  impl().append(run, block_in_scratch(impl(), from), start);
}

template <Sample T>
void File::append_interleaved(RunId run, std::span<const T> frames, std::optional<UtcNanos> start) {
  const std::size_t n_channels = components(run).size();
  if (frames.size() % n_channels != 0)
    throw StateError{path().string() + ": append of " + std::to_string(frames.size()) + " interleaved samples to a run of " +
                     std::to_string(n_channels) + " channels: not whole frames"};
  const std::size_t n_samples = frames.size() / n_channels;
  impl().check_append(run, n_channels, n_samples, n_samples, frames.data(), start);
  impl().append(run, block_in_scratch(impl(), Samples<T>{frames.data(), n_channels, n_samples, 1, n_channels}), start);
}

template <Sample T>
RunId Edit::add_finished_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                             std::span<const ChannelSpec> channels, Matrix<const T> samples) {
  file_.require_editing("add_finished_run");
  if (samples.n_samples == 0 || samples.n_channels == 0)
    throw StateError{"run '" + run.text("id") + "': a finished run needs samples"};
  FileImpl::check_matrix("run '" + run.text("id") + "'", samples.n_channels, samples.n_samples, samples.stride, samples.data);
  const SampleBlock block =
      block_in_scratch(file_, Samples<T>{samples.data, samples.n_channels, samples.n_samples, samples.stride, 1});
  return file_.add_run(survey, station, run, start, channels, &block);
}

template <Sample T>
void File::append(RunId run, std::size_t channel, std::span<const T> samples) {
  std::vector<double>& waiting = impl().waiting(run, channel);
  for (const T& sample : samples) waiting.push_back(static_cast<double>(plain(sample)));
  impl().append_waiting(run);
}

#define MTH5_APPEND(T)                                                                                    \
  template void File::append<T>(RunId, Matrix<const T>, std::optional<UtcNanos>);                         \
  template void File::append_interleaved<T>(RunId, std::span<const T>, std::optional<UtcNanos>);          \
  template void File::append<T>(RunId, std::size_t, std::span<const T>);                                  \
  template RunId Edit::add_finished_run<T>(std::string_view, std::string_view, const Metadata&, UtcNanos, \
                                           std::span<const ChannelSpec>, Matrix<const T>);
MTH5_APPEND(double)
MTH5_APPEND(float)
MTH5_APPEND(std::int32_t)
MTH5_APPEND(Int24)
MTH5_APPEND(std::int16_t)
#undef MTH5_APPEND

RunId File::open_run(std::string_view survey, std::string_view station, std::string_view run) {
  h5::initialise();
  return impl().open_run(survey, station, run);
}
const std::vector<std::string>& File::components(RunId run) const { return impl().components(run); }
std::int64_t File::waiting(RunId run, std::size_t channel) const { return impl().n_waiting(run, channel); }
void File::set_flush_policy(const FlushPolicy& policy) { impl().set_flush_policy(policy); }
bool File::flush_if_due() { return impl().flush_if_due(); }
const std::vector<std::string>& File::recovery() const { return impl().recovery().lines; }
const Recovery& File::recovery_report() const { return impl().recovery(); }
void File::append_rows(TableId table, const Rows& rows) { impl().append_rows(table, rows); }
void File::set_buffered(std::int64_t samples_per_channel) { impl().set_buffered(samples_per_channel); }
void File::flush() { impl().flush(); }
void File::sync() { impl().sync(); }
void File::close() { impl().close(); }
std::int64_t File::n_samples(RunId run) const { return impl().n_samples(run); }
std::int64_t File::visible_samples() const { return impl().visible_samples(); }
std::int64_t File::durable_samples() const { return impl().durable_samples(); }
std::int64_t File::n_rows(TableId table) const { return impl().n_rows(table); }

std::uintmax_t File::file_bytes() const { return impl().file_bytes(); }
const std::vector<std::string>& File::run_names(std::string_view survey, std::string_view station) const {
  return impl().run_names(survey, station);
}
FileName File::still_there() const { return impl().still_there(); }
std::filesystem::path File::hidden_path() const { return impl().hidden_path(); }

void Edit::add_survey(const Metadata& survey) {
  file_.require_editing("add_survey");
  file_.add_survey(survey);
}
void Edit::add_station(std::string_view survey, const Metadata& station) {
  file_.require_editing("add_station");
  file_.add_station(survey, station);
}
RunId Edit::add_run(std::string_view survey, std::string_view station, const Metadata& run, UtcNanos start,
                    std::span<const ChannelSpec> channels) {
  file_.require_editing("add_run");
  return file_.add_run(survey, station, run, start, channels, nullptr);
}
void Edit::add_channel(RunId run, const ChannelSpec& channel) {
  file_.require_editing("add_channel");
  file_.add_channel(run, channel);
}
void Edit::finish_run(RunId run) {
  file_.require_editing("finish_run");
  file_.finish_run(run);
}
TableId Edit::add_table(const TableSpec& spec) {
  file_.require_editing("add_table");
  return file_.add_table(spec);
}
void Edit::update_survey(const Metadata& survey) {
  file_.require_editing("update_survey");
  file_.update_survey(survey);
}
void Edit::update_station(std::string_view survey, const Metadata& station) {
  file_.require_editing("update_station");
  file_.update_station(survey, station);
}
void Edit::update_run(RunId run, const Metadata& metadata) {
  file_.require_editing("update_run");
  file_.update_run(run, metadata);
}

}  // namespace mth5
