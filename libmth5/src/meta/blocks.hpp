#pragma once

#include <limits>
#include <string_view>

#include "mth5/metadata.hpp"

/// The blocks that the MTH5 metadata model uses again and again, as constant tables. table.cpp mounts them under prefixes.
/// Source: mth5-format, section 2.4; names and defaults are those of mt_metadata 1.0.12
/// (tests/integration/metadata_names_test.cpp).
namespace mth5::meta {

// Python refuses to read an object with a bad address in it, so these are narrower than the standards rather than wider.
inline constexpr std::string_view kEmail =
    "[A-Za-z0-9_%+-]+(\\.[A-Za-z0-9_%+-]+)*@(?!(.*\\.)?(test|local|localhost|invalid|onion|arpa)$)"
    "([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z]{2,}";
inline constexpr std::string_view kUrl =
    "https?://([A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?\\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?(:[0-9]{1,4})?([/?#][^\\s]*)?";
inline constexpr std::string_view kDoi = "(https?://(dx\\.)?doi\\.org/|doi:)?10\\.[0-9]+/[^\\s]+";
inline constexpr std::string_view kId = "[A-Za-z0-9_]*";
inline constexpr std::string_view kDataTypes = "RMT|AMT|BBMT|LPMT|ULPMT|MT|LP|BB|WB|MT_TF|BBMT_TF|WBMT_TF|LPMT_TF|CSAMT|NSAMT";
// PROJ knows thousands. These are the geographic ones of countries where MT is measured; a name PROJ does not know would make
// the object unreadable, and a data recorder has no PROJ to ask.
inline constexpr std::string_view kDatums =
    "WGS 84|WGS 72|NAD83|NAD83(CSRS)|NAD83(2011)|NAD27|ETRS89|ED50|GDA94|GDA2020|AGD66|AGD84|JGD2000|JGD2011|Tokyo|KGD2002|TWD97|"
    "China Geodetic Coordinate System 2000|Beijing 1954|Xian 1980|Indian 1975|SIRGAS 2000|SAD69|POSGAR 2007|MAGNA-SIRGAS|"
    "Mexico ITRF2008|NZGD2000|NZGD49|Pulkovo 1942|GSK-2011|PZ-90|OSGB36|DHDN|CH1903+|Hartebeesthoek94|Cape|Arc 1950|Arc 1960|"
    "ITRF2008|ITRF2014|ITRF2020";
// Of the 684 that Python knows, those made for data.
inline constexpr std::string_view kLicenses =
    "CC0|CC0-1.0|CC BY|CC BY-SA|CC BY-NC|CC BY-ND|CC BY-NC-ND|CC-BY-1.0|CC-BY-2.0|CC-BY-2.5|CC-BY-3.0|CC-BY-4.0|"
    "CC-BY-NC-1.0|CC-BY-NC-2.0|CC-BY-NC-2.5|CC-BY-NC-3.0|CC-BY-NC-4.0|CC-BY-NC-ND-1.0|CC-BY-NC-ND-2.0|CC-BY-NC-ND-2.5|"
    "CC-BY-NC-ND-3.0|CC-BY-NC-ND-4.0|CC-BY-NC-SA-1.0|CC-BY-NC-SA-2.0|CC-BY-NC-SA-2.5|CC-BY-NC-SA-3.0|CC-BY-NC-SA-4.0|"
    "CC-BY-ND-1.0|CC-BY-ND-2.0|CC-BY-ND-2.5|CC-BY-ND-3.0|CC-BY-ND-4.0|CC-BY-SA-1.0|CC-BY-SA-2.0|CC-BY-SA-2.5|CC-BY-SA-3.0|"
    "CC-BY-SA-4.0|CC-PDDC|CC-PDM-1.0|PDDL-1.0|ODC-By-1.0|ODbL-1.0|CDLA-Permissive-1.0|CDLA-Permissive-2.0|CDLA-Sharing-1.0|"
    "C-UDA-1.0|DL-DE-BY-2.0|DL-DE-ZERO-2.0|etalab-2.0|NIST-PD|NLOD-2.0|OGL-Canada-2.0|OGL-UK-3.0";
inline constexpr std::string_view kMagneticModels = "EMAG2|EMAG2-*|EMM|EMM-*|HDGM|HDGM-*|IGRF|IGRF-*|WMM|WMM-*|unknown|unknown-*";
inline constexpr std::string_view kEpoch = "1980-01-01T00:00:00+00:00";  // what Python writes for a time that is not known
inline constexpr std::string_view kUnknown = "nan";                      // a number that is not known and must be there

constexpr Attribute text(std::string_view name, std::string_view description) {
  return {.name = name, .description = description};
}

constexpr Attribute number(std::string_view name, std::string_view units, std::string_view description) {
  return {.name = name, .type = Type::Float, .units = units, .description = description};
}

constexpr Attribute time(std::string_view name, std::string_view description) {
  return {.name = name, .type = Type::Time, .description = description};
}

constexpr Attribute one_of(std::string_view name, std::string_view options, std::string_view description) {
  return {.name = name, .options = options, .description = description};
}

constexpr Attribute matching(std::string_view name, std::string_view pattern, std::string_view description) {
  return {.name = name, .pattern = pattern, .description = description};
}

constexpr Attribute list(std::string_view name, std::string_view description, std::string_view element_pattern = {}) {
  return {.name = name, .type = Type::List, .pattern = element_pattern, .description = description};
}

/// The same, always written.
constexpr Attribute needed(Attribute attribute, std::string_view default_value = {}) {
  attribute.required = true;
  attribute.default_value = default_value;
  return attribute;
}

constexpr Attribute within(Attribute attribute, double minimum, double maximum = std::numeric_limits<double>::infinity()) {
  attribute.minimum = minimum;
  attribute.maximum = maximum;
  return attribute;
}

// Python writes the first of these for a plain remark and the others where author or time are known; it reads both.
inline constexpr Attribute kComments[] = {
    text("comments", "remark"),
    text("comments.author", "who made the remark"),
    time("comments.time_stamp", "when the remark was made, UTC"),
    text("comments.value", "the remark, where author or time are given"),
};

inline constexpr Attribute kContact[] = {
    text("organization", "full name of the organization"),
    matching("email", kEmail, "e-mail address"),
    matching("url", kUrl, "web address"),
};

inline constexpr Attribute kAuthor[] = {needed(text("author", "full name"))};

inline constexpr Attribute kArchive[] = {needed(text("name", "full name of the archive"))};

inline constexpr Attribute kFdsn[] = {
    text("id", "FDSN archive id"),
    matching("network", "[A-Za-z0-9]{2}", "FDSN network code, two characters"),
    matching("channel_code", "[A-Za-z0-9]{3}", "FDSN channel code, three characters"),
    {.name = "new_epoch", .type = Type::Bool, .description = "a new epoch is to be made"},
    text("alternate_code", "alternate code"),
    text("alternate_network_code", "alternate network code"),
};

inline constexpr Attribute kSoftware[] = {
    needed(text("author", "author of the software")),
    needed(text("version", "version")),
    needed(text("name", "name of the software")),
    time("last_updated", "last update, UTC"),
};

inline constexpr Attribute kCornerRows[] = {
    within(number("latitude", "degrees", "latitude"), -90, 90),
    within(number("longitude", "degrees", "longitude"), -180, 180),
    number("elevation", "meters", "elevation"),
};

inline constexpr Attribute kBasicLocation[] = {
    within(number("latitude", "degrees", "latitude"), -90, 90),
    within(number("longitude", "degrees", "longitude"), -180, 180),
    number("elevation", "meters", "elevation"),
    one_of("datum", kDatums, "geographic datum"),
    number("x", "meters", "distance from the centre of the station, north"),
    number("y", "meters", "distance from the centre of the station, east"),
    number("z", "meters", "height over the centre of the station"),
};

inline constexpr Attribute kExtendedLocation[] = {
    within(number("latitude_uncertainty", "degrees", "uncertainty of the latitude"), 0),
    within(number("longitude_uncertainty", "degrees", "uncertainty of the longitude"), 0),
    within(number("elevation_uncertainty", "meters", "uncertainty of the elevation"), 0),
    number("x2", "meters", "second x, of a line"),
    number("y2", "meters", "second y, of a line"),
    number("z2", "meters", "second z, of a line"),
    within(number("x_uncertainty", "meters", "uncertainty of x"), 0),
    within(number("y_uncertainty", "meters", "uncertainty of y"), 0),
    within(number("z_uncertainty", "meters", "uncertainty of z"), 0),
};

inline constexpr Attribute kTimePeriod[] = {
    needed(time("start", "first sample, UTC"), kEpoch),
    needed(time("end", "last sample, UTC"), kEpoch),
};

inline constexpr Attribute kInstrument[] = {
    text("id", "serial number"), text("manufacturer", "manufacturer"), text("type", "kind of instrument"),
    text("model", "model"),      text("name", "name on the market"),
};

}  // namespace mth5::meta
