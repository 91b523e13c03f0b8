"""Azure App Service: a site whose traffic is divided between production and one deployment slot."""
