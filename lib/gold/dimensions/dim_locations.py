"""dim_locations: where customers live."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lib.gold.conformed import territory_of_place
from lib.gold.ids import location_id
from lib.gold.registry import gold_table


@gold_table(grain=["location_id"])
def dim_locations(crm_addresses: DataFrame, dim_territories: DataFrame) -> DataFrame:
    """One row per place of which there is an address: a postcode of a city.

    location_id: STRING. The place's id in gold: country, region, city and postcode in capitals, a slash between them.
    postcode: STRING. Postcode; NULL where an address has none.
    city: STRING. City.
    region: STRING. Region within the country, as the contact centre has it.
    country: STRING. Country.
    territory_id: STRING. In which sales territory: dim_territories. The one of that country and region, or the
      country's where it has one alone; else NULL.
    """
    place = Window.partitionBy("location_id").orderBy("address_id")
    spelled = crm_addresses.withColumn("location_id", location_id()).filter("location_id IS NOT NULL")
    places = spelled.withColumn("_n", F.row_number().over(place)).filter("_n = 1")
    return territory_of_place(places, dim_territories).select(
        "location_id",
        "postcode",
        "city",
        "region",
        "country",
        "territory_id",
    )
