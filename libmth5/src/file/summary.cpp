#include "file/summary.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "h5/types.hpp"

namespace mth5::file {

namespace {

// A field of a summary table: a text of `text_bytes`, or one of the 8-byte types, or the 1-byte bool.
enum class FieldType { Text, Float, Int, Bool, Reference };
struct Field {
  const char* name;
  FieldType type;
  std::size_t text_bytes = 0;

  [[nodiscard]] constexpr std::size_t bytes() const {
    return type == FieldType::Text ? text_bytes : type == FieldType::Bool ? 1 : 8;
  }
};

constexpr FieldType T = FieldType::Text;
constexpr FieldType F = FieldType::Float;
constexpr FieldType I = FieldType::Int;
constexpr FieldType B = FieldType::Bool;
constexpr FieldType R = FieldType::Reference;

constexpr Field kChannel[] = {{"survey", T, 30},
                              {"station", T, 30},
                              {"run", T, 20},
                              {"latitude", F},
                              {"longitude", F},
                              {"elevation", F},
                              {"component", T, 20},
                              {"start", T, 36},
                              {"end", T, 36},
                              {"n_samples", I},
                              {"sample_rate", F},
                              {"measurement_type", T, 30},
                              {"azimuth", F},
                              {"tilt", F},
                              {"units", T, 60},
                              {"has_data", B},
                              {"hdf5_reference", R},
                              {"run_hdf5_reference", R},
                              {"station_hdf5_reference", R}};
constexpr Field kTransferFunction[] = {{"station", T, 30},    {"survey", T, 50},
                                       {"latitude", F},       {"longitude", F},
                                       {"elevation", F},      {"tf_id", T, 30},
                                       {"units", T, 60},      {"has_impedance", B},
                                       {"has_tipper", B},     {"has_covariance", B},
                                       {"period_min", F},     {"period_max", F},
                                       {"hdf5_reference", R}, {"station_hdf5_reference", R}};
constexpr Field kFourier[] = {{"survey", T, 30},
                              {"station", T, 30},
                              {"run", T, 20},
                              {"decimation_level", T, 44},
                              {"latitude", F},
                              {"longitude", F},
                              {"elevation", F},
                              {"component", T, 20},
                              {"start", T, 36},
                              {"end", T, 36},
                              {"n_samples", I},
                              {"sample_rate", F},
                              {"measurement_type", T, 30},
                              {"units", T, 60},
                              {"hdf5_reference", R},
                              {"decimation_level_reference", R},
                              {"run_hdf5_reference", R},
                              {"station_hdf5_reference", R}};

constexpr std::size_t row_bytes(std::span<const Field> fields) {
  std::size_t n = 0;
  for (const auto& field : fields) n += field.bytes();
  return n;
}
// mth5-format 3.1, 3.3, 3.4: Python refuses a table whose rows have another size.
static_assert(row_bytes(kChannel) == kChannelRowBytes && row_bytes(kTransferFunction) == 229 && row_bytes(kFourier) == 378);

h5::Datatype compound(std::span<const Field> fields) {
  h5::Datatype type{H5Tcreate(H5T_COMPOUND, row_bytes(fields)), "summary type"};
  const h5::Datatype flag = h5::bool_enum();
  std::size_t offset = 0;
  for (const auto& field : fields) {
    const h5::Datatype text = field.type == T ? h5::fixed_text(field.text_bytes) : h5::Datatype{};
    const hid_t member = field.type == T   ? text.get()
                         : field.type == F ? H5T_IEEE_F64LE
                         : field.type == I ? H5T_STD_I64LE
                         : field.type == B ? flag.get()
                                           : H5T_STD_REF_OBJ;
    h5::check(H5Tinsert(type.get(), field.name, offset, member), "summary type");
    offset += field.bytes();
  }
  return type;
}

void create_table(hid_t root, const char* name, std::span<const Field> fields, hsize_t rows) {
  const h5::Datatype type = compound(fields);
  const hsize_t unlimited = H5S_UNLIMITED;
  const hsize_t chunk = 64;
  const h5::Space space{H5Screate_simple(1, &rows, &unlimited), name};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), name};
  h5::check(H5Pset_chunk(create.get(), 1, &chunk), name);
  const h5::Dataset table{H5Dcreate2(root, name, type.get(), space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT), name};
  if (rows == 0) return;
  const std::vector<char> zeros(row_bytes(fields) * rows);
  h5::check(H5Dwrite(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data()), name);
}

// Writes members one behind the other: the table is packed, a C struct would not be.
class Packer {
 public:
  explicit Packer(char* out) : out_{out} {}
  void text(const std::string& value, std::size_t bytes) {
    std::memcpy(out_, value.data(), std::min(value.size(), bytes));  // the array starts zeroed: null-padded
    out_ += bytes;
  }
  template <class V>
  void value(V v) {
    std::memcpy(out_, &v, sizeof v);
    out_ += sizeof v;
  }

 private:
  char* out_;
};

}  // namespace

h5::Datatype channel_summary_type() { return compound(kChannel); }

PackedRow pack(const ChannelRow& row) {
  PackedRow packed{};
  Packer out{packed.data()};
  out.text(row.survey, 30);
  out.text(row.station, 30);
  out.text(row.run, 20);
  out.value(row.latitude);
  out.value(row.longitude);
  out.value(row.elevation);
  out.text(row.component, 20);
  out.text(row.start, 36);
  out.text(row.end, 36);
  out.value(row.n_samples);
  out.value(row.sample_rate);
  out.text(row.measurement_type, 30);
  out.value(row.azimuth);
  out.value(row.tilt);
  out.text(row.units, 60);
  out.value(static_cast<std::int8_t>(row.has_data));
  out.value(row.channel_reference);
  out.value(row.run_reference);
  out.value(row.station_reference);
  return packed;
}

void move_to(PackedRow& row, const ChannelRow& place) {
  constexpr std::size_t kIds = row_bytes(std::span{kChannel}.first(2)), kPosition = row_bytes(std::span{kChannel}.first(3));
  constexpr std::size_t kPositionBytes = row_bytes(std::span{kChannel}.subspan(3, 3));
  static_assert(kChannel[3].name == std::string_view{"latitude"} && kChannel[5].name == std::string_view{"elevation"});
  const PackedRow wanted = pack(place);
  if (!std::equal(wanted.begin(), wanted.begin() + kIds, row.begin())) return;
  std::copy_n(wanted.begin() + kPosition, kPositionBytes, row.begin() + kPosition);
}

PackedGrowth pack_growth(const ChannelRow& row) {
  static_assert(row_bytes(std::span{kChannel}.first(15)) == kHasDataOffset && kChannel[15].type == FieldType::Bool);
  static_assert(row_bytes(std::span{kChannel}.first(8)) == kGrowthOffset && kChannel[8].name == std::string_view{"end"} &&
                kChannel[9].name == std::string_view{"n_samples"});
  PackedGrowth packed{};
  Packer out{packed.data()};
  out.text(row.end, 36);
  out.value(row.n_samples);
  return packed;
}

namespace {

struct Summary {
  const char* name;
  std::span<const Field> fields;
  hsize_t rows;
};
constexpr Summary kSummaries[] = {
    {"channel_summary", kChannel, 0}, {"tf_summary", kTransferFunction, 1}, {"fc_summary", kFourier, 1}};

/// Whether rows can be overwritten in place while readers are attached.
bool is_plain(hid_t root, const char* name, std::span<const Field> fields) {
  const h5::Dataset table{H5Dopen2(root, name, H5P_DEFAULT), name};
  const h5::Datatype type{H5Dget_type(table.get()), name};
  if (h5::check(H5Tequal(type.get(), compound(fields).get()), name) == 0) return false;
  const h5::PropertyList create{H5Dget_create_plist(table.get()), name};
  if (H5Pget_layout(create.get()) != H5D_CHUNKED || H5Pget_nfilters(create.get()) != 0) return false;
  H5D_chunk_index_t index{};
  h5::check(H5Dget_chunk_index_type(table.get(), &index), name);
  return index != H5D_CHUNK_IDX_BTREE;
}

}  // namespace

bool is_plain_channel_summary(hid_t file, const char* path) { return is_plain(file, path, kChannel); }

void create_summaries(hid_t root) {
  for (const auto& summary : kSummaries) create_table(root, summary.name, summary.fields, summary.rows);
}

void replace_unfit_summaries(hid_t root) {
  for (const auto& summary : kSummaries) {
    const bool there = h5::check(H5Lexists(root, summary.name, H5P_DEFAULT), summary.name) > 0;
    // channel_summary is rewritten from the runs in any case; what the others tell is not ours to throw away.
    if (there && (summary.fields.data() != kChannel || is_plain(root, summary.name, summary.fields))) continue;
    if (there) h5::check(H5Ldelete(root, summary.name, H5P_DEFAULT), summary.name);
    create_table(root, summary.name, summary.fields, summary.rows);
  }
}

}  // namespace mth5::file
